"""A network whose true RTTs a test sets, measured by agents in memory through the true feed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from scheduler.service.probing import FeedProber
from telemetry.agent.wire import node_key
from telemetry.feed import Feed, Parts
from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US
from telemetry.ports import Directory, MeasuringPod
from telemetry.rows import MeasuredRow
from telemetry.silence import Silence
from telemetry.stamps import MaxAges, Origin
from telemetry.store import RttStore

PROBE_S = 0.1


def measured_row(node: str, rtt_us: Mapping[str, int], age_s: float = 0.0) -> MeasuredRow:
    """Return what a node measured, `UNKNOWN_US` for bursts lost whole."""
    count = len(rtt_us)
    values = np.array(list(rtt_us.values()), dtype=np.int32)
    return MeasuredRow(
        node,
        np.array([node_key(name) for name in rtt_us], dtype=np.uint64),
        values,
        values,
        np.full(count, round(age_s * 1000), dtype=np.uint32),
        np.full(count, 3, dtype=np.uint8),
        np.where(values == UNKNOWN_US, 3, 0).astype(np.uint8),
        np.ones(count, dtype=np.uint8),
    )


@dataclass
class MemoryDirectory:
    """Implements `PeerDirectory`: an agent on every node."""

    nodes: Sequence[str]
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def current(self) -> Directory:
        """Who is where."""
        agents = {name: MeasuringPod(f"agent-{name}", name, "192.0.2.1") for name in self.nodes}
        return Directory(1, tuple(sorted(self.nodes)), {n: n for n in self.nodes}, agents)

    async def changed(self) -> None:
        """Wait for ever: nothing changes."""
        await self._changed.wait()


@dataclass
class TrueNetwork:
    """Agents that measure the truth. Fulfils the feed's `Desk`.

    Parameters
    ----------
    truth
        RTT in microseconds by pair of names; `UNKNOWN_US` where nothing answers.
    silent
        Nodes whose agent takes no orders.
    deaf
        Nodes whose agent takes orders and does not answer.
    """

    truth: dict[tuple[str, str], int]
    silent: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    probes: list[tuple[str, tuple[str, ...] | None]] = field(default_factory=list)
    stars: frozenset[str] = frozenset()
    near: Mapping[str, frozenset[str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes = sorted({name for pair in self.truth for name in pair})
        settings = KeepSettings(MaxAges({Origin.AGENT: 900.0}))
        self.store = RttStore(settings, asyncio.get_running_loop().time)
        parts = Parts(MemoryDirectory(self.nodes), self)
        self.feed = Feed(self.store, parts, self._tell, Silence(10.0))
        self.prober = FeedProber(self.feed, timeout_s=2.0, history_s=900.0, pps=1000.0)

    def _tell(self, source: str, problem: str, _notes: tuple[str, ...], _lack: str) -> None:
        self.told.append((source, problem))

    def measure(self, node: str, peers: Sequence[str] | None = None, age_s: float = 0.0) -> None:
        """Have a node report the truth, all of it unless peers are named."""
        wanted = [n for n in peers or self.nodes if n != node and (node, n) in self.truth]
        rtt_us = {name: self.truth[node, name] for name in wanted}
        self.feed.take(measured_row(node, rtt_us, age_s), whole=False)

    def measure_all(self, age_s: float = 0.0) -> None:
        """Have every node report the truth."""
        self.store.know(self.nodes)
        for node in self.nodes:
            self.measure(node, age_s=age_s)

    # As the desk

    def focus(self, stars: frozenset[str], near: Mapping[str, frozenset[str]]) -> None:
        """Take standing orders."""
        self.stars, self.near = stars, near

    def reachable(self, node: str) -> bool:
        """Whether an agent takes orders."""
        return node not in self.silent

    async def probe(self, node: str, peers: Sequence[str] | None, timeout_s: float) -> bool:
        """Measure the truth of that moment."""
        self.probes.append((node, None if peers is None else tuple(peers)))
        if node in self.deaf:
            await asyncio.sleep(timeout_s)
            return False
        await asyncio.sleep(PROBE_S)
        self.measure(node, peers)
        return True
