"""Where each number stands in an array: the nodes of a domain, the pods of a node."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Positions:
    """Positions in an array of numbers, by number.

    Parameters
    ----------
    numbers
        Of any integer type; negative ones are left out.
    count
        One more than the largest number.
    """

    def __init__(self, numbers: NDArray[np.integer[Any]], count: int) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._start = np.searchsorted(numbers[self._order], np.arange(count + 1))

    def of(self, number: int) -> NDArray[np.int64]:
        """Return the positions of a number, ascending."""
        return self._order[self._start[number] : self._start[number + 1]]
