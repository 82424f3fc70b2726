"""What is kept of the pairs that matter most: the last bursts, the spread, the loss.

Only of reference nodes (those that constraints name), in rings of `KEPT` bursts: dense history of
every pair would cost six times the table itself.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US

KEPT = 5
"""Bursts: three confirm a broken budget, five make a steady median."""

ROWS_AT_MOST = 512
"""Reference nodes with history; 512 of 5,000 nodes cost 130 MB."""


@dataclass(frozen=True, slots=True)
class PairDetail:
    """One pair in detail.

    Parameters
    ----------
    recent_us
        The last bursts' RTTs, newest last; `UNKNOWN_US` for a burst that was lost whole.
    least_us
        The newest burst's smallest RTT.
    sent, lost
        Packets since the node became a reference.
    """

    recent_us: tuple[int, ...]
    least_us: int
    sent: int
    lost: int


@dataclass(slots=True, eq=False)
class _Ring:
    """The last bursts from one node to all, columns of shape ``(width,)`` or ``(KEPT, width)``."""

    rtt_us: NDArray[np.int32]
    ticks: NDArray[np.int64]
    least_us: NDArray[np.int32]
    sent: NDArray[np.int64]
    lost: NDArray[np.int64]

    @classmethod
    def empty(cls, width: int) -> "_Ring":
        return cls(
            np.full((KEPT, width), UNKNOWN_US, dtype=np.int32),
            np.zeros((KEPT, width), dtype=np.int64),
            np.full(width, UNKNOWN_US, dtype=np.int32),
            np.zeros(width, dtype=np.int64),
            np.zeros(width, dtype=np.int64),
        )

    def widened(self, width: int) -> "_Ring":
        out, old = _Ring.empty(width), self.least_us.shape[0]
        out.rtt_us[:, :old], out.ticks[:, :old] = self.rtt_us, self.ticks
        out.least_us[:old], out.sent[:old], out.lost[:old] = self.least_us, self.sent, self.lost
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Bursts:
    """Bursts of one node, columns of shape ``(k,)``; `columns` are rows of the table."""

    columns: NDArray[np.int64]
    ticks: NDArray[np.int64]
    rtt_us: NDArray[np.int32]
    least_us: NDArray[np.int32]
    sent: NDArray[np.int64]
    lost: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Details:
    """The rings of the reference nodes, both directions in one: what a decision reads."""

    _width: int = 0
    _rings: dict[int, _Ring] = field(default_factory=dict)
    _ring_rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def keep(self, rows: frozenset[int], width: int) -> None:
        """Keep the history of these nodes and no others."""
        wanted = sorted(rows)[:ROWS_AT_MOST]
        width = max(width, self._width)
        rings = {}
        for row in wanted:
            ring = self._rings.get(row)
            if ring is None:
                rings[row] = _Ring.empty(width)
            else:
                rings[row] = ring if ring.least_us.shape[0] >= width else ring.widened(width)
        self._rings, self._width = rings, width
        self._ring_rows = np.array(sorted(rings), dtype=np.int64)

    def add(self, row: int, bursts: Bursts) -> None:
        """Take in bursts measured by the node at `row`."""
        self._push(row, bursts, is_own=True)
        towards = np.flatnonzero(np.isin(bursts.columns, self._ring_rows))
        for k in towards.tolist():
            at, other = slice(k, k + 1), int(bursts.columns[k])
            turned = Bursts(
                np.array([row]),
                bursts.ticks[at],
                bursts.rtt_us[at],
                bursts.least_us[at],
                bursts.sent[at],
                bursts.lost[at],
            )
            self._push(other, turned, is_own=False)

    def get(self, row: int, column: int, since_tick: int = 0) -> PairDetail | None:
        """Return what is kept of a pair, bursts from `since_tick` on; None where nothing is."""
        ring = self._rings.get(row)
        if ring is None or column >= self._width or not ring.ticks[-1, column]:
            return None
        recent = ring.rtt_us[:, column][ring.ticks[:, column] >= max(1, since_tick)]
        return PairDetail(
            tuple(recent.tolist()),
            int(ring.least_us[column]),
            int(ring.sent[column]),
            int(ring.lost[column]),
        )

    def _push(self, row: int, bursts: Bursts, *, is_own: bool) -> None:
        """Append bursts that are newer than the newest of their pair.

        The other direction counts only where this one has not been measured for `_QUIET` ticks:
        two ends that disagree must not look like a link that changes.
        """
        ring = self._rings.get(row)
        if ring is None:
            return
        newest = ring.ticks[-1, bursts.columns]
        fresh = bursts.ticks > newest if is_own else bursts.ticks > newest + _QUIET * (newest > 0)
        at = bursts.columns[fresh]
        ring.rtt_us[:-1, at], ring.ticks[:-1, at] = ring.rtt_us[1:, at], ring.ticks[1:, at]
        ring.rtt_us[-1, at], ring.ticks[-1, at] = bursts.rtt_us[fresh], bursts.ticks[fresh]
        ring.least_us[at] = bursts.least_us[fresh]
        ring.sent[at] += bursts.sent[fresh]
        ring.lost[at] += bursts.lost[fresh]


_QUIET = 600
"""Ticks, five minutes."""
