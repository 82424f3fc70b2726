"""The nodes of a table: which row each has, by its name and by the key that reports use."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.agent.wire import node_key


@dataclass(slots=True, eq=False)
class Roster:
    """Names in the order of rows; new ones go to the end."""

    names: list[str] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    _keys: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    _rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.names)

    def append(self, names: Iterable[str]) -> None:
        """Add names that are not there yet."""
        for name in names:
            self.index[name] = len(self.names)
            self.names.append(name)
        keys = np.array([node_key(name) for name in self.names], dtype=np.uint64)
        self._rows = np.argsort(keys, kind="stable")
        self._keys = keys[self._rows]

    def rows_of(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the row of each key, shape ``(k,)``, and whether there is one."""
        if not len(self._keys):
            return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return self._rows[at], np.asarray(self._keys[at] == keys)

    def rows_named(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Return the rows of those of some names that are here, ascending."""
        rows = sorted(self.index[name] for name in names if name in self.index)
        return np.array(rows, dtype=np.int64)

    def pair(self, one: str, other: str) -> tuple[int, int] | None:
        """Return the rows of two nodes; None where one is not known."""
        i, j = self.index.get(one), self.index.get(other)
        return None if i is None or j is None else (i, j)
