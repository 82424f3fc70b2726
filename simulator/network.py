"""The network of the embedded cluster: which RTT every pair has at any moment of virtual time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.metros import Metros
from telemetry.model import MAX_RTT_US, UNKNOWN_US, MetroRtt, RttMatrix, RttTable


class Terrain(Protocol):
    """RTTs that drift by themselves, one table a period."""

    @property
    def periods(self) -> int | None:
        """How many different periods there are; None for no end of them."""
        ...

    def table(self, nodes: tuple[str, ...], period: int) -> RttMatrix | MetroRtt:
        """Return the RTTs of a period, rows and columns named `nodes`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Snapshots:
    """Measured matrices in turn, shape ``(periods, n, n)``, microseconds."""

    rtt_us: NDArray[np.int32]
    source: str

    @property
    def periods(self) -> int | None:
        """How many matrices there are."""
        return len(self.rtt_us)

    def table(self, nodes: tuple[str, ...], period: int) -> RttMatrix:
        """Return one matrix."""
        return RttMatrix(nodes, self.rtt_us[period], f"{self.source}, snapshot {period}")


@dataclass(frozen=True, slots=True, eq=False)
class MetroTerrain:
    """Synthetic metros, with new jitter every period."""

    metros: Metros

    @property
    def periods(self) -> int | None:
        """Jitter never comes back."""
        return None

    def table(self, nodes: tuple[str, ...], period: int) -> MetroRtt:
        """Return the RTTs of a period."""
        return self.metros.table(nodes, period)


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Links that are slower from one time to another, in both directions.

    Parameters
    ----------
    node
        One end.
    peer
        The other end; empty for every link of the node.
    factor
        RTTs are multiplied by it …
    to_us
        … or, where given, take this value, microseconds.
    from_s, until_s
        Virtual time; the end is not included.
    """

    node: str
    peer: str = ""
    factor: float = 1.0
    to_us: int | None = None
    from_s: float = 0.0
    until_s: float = float("inf")

    def slowed(self, rtt_us: int) -> int:
        """Return what an RTT becomes; what was never measured stays unknown."""
        if rtt_us == UNKNOWN_US:
            return UNKNOWN_US
        value = self.to_us if self.to_us is not None else round(rtt_us * self.factor)
        return min(max(value, 0), MAX_RTT_US)


class Network:
    """RTTs over virtual time.

    Parameters
    ----------
    nodes
        Names of the rows and columns of `terrain`.
    terrain
        Where the RTTs come from.
    drift_s
        Length of a period; 0 keeps the first for ever.
    slowdowns
        Known in advance; `slow` adds more.
    """

    def __init__(
        self,
        nodes: Sequence[str],
        terrain: Terrain,
        *,
        drift_s: float,
        slowdowns: Iterable[Slowdown] = (),
    ) -> None:
        self.nodes = tuple(nodes)
        self._rows = {name: row for row, name in enumerate(self.nodes)}
        self._terrain = terrain
        self._drift_s = drift_s
        self._slowdowns: list[Slowdown] = []
        for slowdown in slowdowns:
            self.slow(slowdown)

    def period(self, now_s: float) -> int:
        """Return how often the RTTs have drifted by `now_s`."""
        return int(now_s // self._drift_s) if self._drift_s > 0 else 0

    def slow(self, slowdown: Slowdown) -> None:
        """Add a slowdown.

        Raises
        ------
        KeyError
            If it names a node the network does not have.
        """
        for name in (slowdown.node, slowdown.peer):
            if name and name not in self._rows:
                raise KeyError(name)
        self._slowdowns.append(slowdown)

    def forget_ended(self, now_s: float) -> None:
        """Drop slowdowns that are over."""
        self._slowdowns = [s for s in self._slowdowns if s.until_s > now_s]

    def next_change_s(self, now_s: float) -> float | None:
        """Return when, after `now_s`, the table is another one; None for never."""
        times = [t for s in self._slowdowns for t in (s.from_s, s.until_s)]
        if self._drift_s > 0 and self._terrain.periods != 1:
            times.append((self.period(now_s) + 1) * self._drift_s)
        later = [t for t in times if now_s < t < float("inf")]
        return min(later, default=None)

    def table(self, now_s: float) -> RttTable:
        """Return the RTTs at a moment."""
        period, periods = self.period(now_s), self._terrain.periods
        table = self._terrain.table(self.nodes, period % periods if periods else period)
        active = [s for s in self._slowdowns if s.from_s <= now_s < s.until_s]
        if not active:
            return table
        return table.with_pairs(_slowed_pairs(table, active))


def _slowed_pairs(
    table: RttMatrix | MetroRtt, slowdowns: Sequence[Slowdown]
) -> Mapping[tuple[int, int], int]:
    """Return the directed pairs that differ; slowdowns act one after the other."""
    pairs: dict[tuple[int, int], int] = {}
    for slowdown in slowdowns:
        row = table.index[slowdown.node]
        out_us = table.from_node(row)
        for other in _others(table, slowdown, row):
            back_us = int(table.from_node(other)[row]) if isinstance(table, RttMatrix) else None
            there = pairs.get((row, other), int(out_us[other]))
            back = pairs.get((other, row), there if back_us is None else back_us)
            pairs[row, other] = slowdown.slowed(there)
            pairs[other, row] = slowdown.slowed(back)
    return pairs


def _others(table: RttTable, slowdown: Slowdown, row: int) -> Iterator[int]:
    if slowdown.peer:
        yield table.index[slowdown.peer]
        return
    yield from (other for other in range(len(table.nodes)) if other != row)
