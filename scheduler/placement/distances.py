"""RTT rows of a snapshot, looked up once a decision."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import ClusterSnapshot
from telemetry.model import UNKNOWN_US

RttRow = NDArray[np.int32]


class Distances:
    """RTTs from nodes of the snapshot to all its nodes, aligned to its node table and cached."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        index = snapshot.rtt.index
        nodes = snapshot.nodes.nodes
        self._rtt = snapshot.rtt
        known = snapshot.nodes.memo.get("rtt rows")
        if index and known is not None and known[0] is index:
            self._column = known[1]
        elif index:
            self._column = np.array([index.get(node.name, -1) for node in nodes], dtype=np.int64)
            snapshot.nodes.memo["rtt rows"] = (index, self._column)
        else:
            self._column = np.full(len(nodes), -1, dtype=np.int64)
        self._column.flags.writeable = False
        self._is_whole = bool(np.array_equal(self._column, np.arange(len(index))))
        self._is_known = self._column >= 0
        self._rows: dict[int, RttRow] = {}
        self._towards: dict[int, RttRow] = {}

    def from_node(self, i: int) -> RttRow:
        """Return RTTs measured from node `i`, shape ``(n,)``, microseconds; 0 at `i` itself."""
        row = self._rows.get(i)
        if row is None:
            row = self._rows[i] = self._aligned(i, is_towards=False)
        return row

    def to_node(self, j: int) -> RttRow:
        """Return RTTs from every node to node `j`, shape ``(n,)``, microseconds."""
        row = self._towards.get(j)
        if row is None:
            row = self._towards[j] = self._aligned(j, is_towards=True)
        return row

    def _aligned(self, i: int, *, is_towards: bool) -> RttRow:
        source = int(self._column[i])
        out = np.full(len(self._column), UNKNOWN_US, dtype=np.int32)
        if source >= 0:
            values = self._rtt.to_node(source) if is_towards else self._rtt.from_node(source)
            out = (
                values.copy()
                if self._is_whole
                else np.where(self._is_known, values[self._column], np.int32(UNKNOWN_US))
            )
        out[i] = 0
        return out

    def nearest(self, sources: NDArray[np.int64]) -> tuple[RttRow, NDArray[np.int64]]:
        """Return the smallest known RTT from any of `sources` to each node, and which source it is.

        `UNKNOWN_US` where none is known; ties go to the source that stands first.
        """
        rows = np.stack([self.from_node(int(i)) for i in sources])
        far = np.where(rows == UNKNOWN_US, np.iinfo(np.int32).max, rows)
        which = far.argmin(axis=0)
        picked = rows[which, np.arange(rows.shape[1])]
        return picked, sources[which]

    def farthest(self, sources: NDArray[np.int64]) -> tuple[RttRow, NDArray[np.int64]]:
        """Return the largest RTT from all `sources` to each node, and which source it is.

        `UNKNOWN_US` where any of them is unknown: what is not known is never assumed.
        """
        rows = np.stack([self.from_node(int(i)) for i in sources])
        far = np.where(rows == UNKNOWN_US, np.iinfo(np.int32).max, rows)
        which = far.argmax(axis=0)
        return rows[which, np.arange(rows.shape[1])], sources[which]
