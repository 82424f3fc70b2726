"""What files say, beneath all that is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.dated import Beneath
from telemetry.model import RttTable


@dataclass(slots=True, eq=False)
class Files:
    """The last table that was read, and when."""

    _table: RttTable | None = None
    _taken_s: float = 0.0

    @property
    def is_there(self) -> bool:
        """Whether any was read."""
        return self._table is not None

    def take(self, table: RttTable, now_s: float) -> None:
        """Take a table in place of the last one."""
        self._table, self._taken_s = table, now_s

    def beneath(self, names: Sequence[str], now_s: float, max_age_s: float) -> Beneath | None:
        """Return the table as it lies beneath nodes of these names; None where it is too old."""
        if self._table is None or now_s - self._taken_s > max_age_s:
            return None
        rows = [self._table.index.get(name, -1) for name in names]
        return Beneath(self._table, np.array(rows, dtype=np.int64), self._taken_s)
