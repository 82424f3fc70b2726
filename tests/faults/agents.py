"""Agents on all nodes, that measure a network whose truth drifts; and what a process hears of them.

Each process has the true store, feed and prober. An agent keeps its own row, and hands it whole to
a process that it has not met.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

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

_DRIFT_S = 1.0
_PROBE_S = 0.05
_MAX_AGES = MaxAges({Origin.AGENT: 900.0})


@dataclass
class Agents:
    """The network as it is, and how its agents are.

    Parameters
    ----------
    truth_us
        RTT by pair of names, the same both ways.
    report_s
        Between two reports of an agent. Beyond 30 s, pairs are measured anew before a binding.
    silent
        Nodes whose agent neither reports nor takes orders.
    deaf
        Nodes whose agent takes orders and does not answer.
    lies
        What a node's agent multiplies its measurements by; 0 for bursts lost whole.
    """

    truth_us: dict[tuple[str, str], int]
    report_s: float
    rng: Random
    drifts: bool = True
    silent: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    lies: dict[str, float] = field(default_factory=dict)
    desks: list["Telemetry"] = field(default_factory=list)

    @property
    def nodes(self) -> tuple[str, ...]:
        """All there are agents on."""
        return tuple(sorted({name for pair in self.truth_us for name in pair}))

    def row(self, node: str, peers: Sequence[str] | None = None) -> MeasuredRow:
        """Return what an agent says it has measured just now."""
        names = [peer for peer in peers or self.nodes if (node, peer) in self.truth_us]
        factor = self.lies.get(node, 1.0)
        said = [round(self.truth_us[node, name] * factor) or UNKNOWN_US for name in names]
        rtt_us = np.array(said, dtype=np.int32)
        count = len(names)
        return MeasuredRow(
            node,
            np.array([node_key(name) for name in names], dtype=np.uint64),
            rtt_us,
            rtt_us,
            np.zeros(count, dtype=np.uint32),
            np.full(count, 3, dtype=np.uint8),
            np.where(rtt_us == UNKNOWN_US, 3, 0).astype(np.uint8),
            np.ones(count, dtype=np.uint8),
        )

    async def live(self) -> None:
        """Report and drift until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, node in enumerate(self.nodes):
                group.create_task(self._report(node, number))
            group.create_task(self._drift())

    async def _report(self, node: str, number: int) -> None:
        await asyncio.sleep(self.report_s * number / len(self.nodes))
        while True:
            if node not in self.silent:
                for desk in tuple(self.desks):
                    desk.feed.take(self.row(node), whole=False)
            await asyncio.sleep(self.report_s)

    async def _drift(self) -> None:
        pairs = sorted(pair for pair in self.truth_us if pair[0] < pair[1])
        while self.drifts:
            await asyncio.sleep(_DRIFT_S)
            one, other = self.rng.choice(pairs)
            rtt_us = round(self.truth_us[one, other] * self.rng.uniform(0.7, 1.4))
            self.truth_us[one, other] = self.truth_us[other, one] = max(200, rtt_us)


class Telemetry:
    """What one process hears of the agents. Fulfils the feed's `Desk`, and `PeerDirectory`."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._never = asyncio.Event()
        self.store = RttStore(KeepSettings(_MAX_AGES), asyncio.get_running_loop().time)
        silence = Silence(agents.report_s)
        self.feed = Feed(self.store, Parts(self, self), lambda *_: None, silence)
        self.prober = FeedProber(self.feed, timeout_s=2.0, history_s=900.0, pps=1000.0)

    def meet(self) -> None:
        """Be handed all rows, and hear of the agents from now on."""
        self.store.know(self._agents.nodes)
        for node in self._agents.nodes:
            if node not in self._agents.silent:
                self.feed.take(self._agents.row(node), whole=True)
        self._agents.desks.append(self)

    def part(self) -> None:
        """Hear no more."""
        if self in self._agents.desks:
            self._agents.desks.remove(self)

    # As the directory

    @property
    def current(self) -> Directory:
        """Who is where: an agent on every node."""
        nodes = self._agents.nodes
        agents = {name: MeasuringPod(f"agent-{name}", name, "192.0.2.1") for name in nodes}
        return Directory(1, nodes, {name: name for name in nodes}, agents)

    async def changed(self) -> None:
        """Wait for ever: agents are silent, but never gone."""
        await self._never.wait()

    # As the desk

    def focus(self, stars: frozenset[str], near: Mapping[str, frozenset[str]]) -> None:
        """Take standing orders, which change nothing: all is measured."""

    def reachable(self, node: str) -> bool:
        """Whether an agent takes orders."""
        return node not in self._agents.silent

    async def probe(self, node: str, peers: Sequence[str] | None, timeout_s: float) -> bool:
        """Have a node measure."""
        if node in self._agents.deaf:
            await asyncio.sleep(timeout_s)
            return False
        await asyncio.sleep(_PROBE_S)
        self.feed.take(self._agents.row(node, peers), whole=False)
        return True


def flat_truth(names: Sequence[str], rng: Random) -> dict[tuple[str, str], int]:
    """Return RTTs of nodes strewn over a plane, 0.4 to some 60 ms apart."""
    at = {name: (rng.uniform(0, 40), rng.uniform(0, 40)) for name in names}

    def pairs() -> Iterator[tuple[tuple[str, str], int]]:
        for one in names:
            for other in names:
                if one != other:
                    (x, y), (u, v) = at[one], at[other]
                    rtt_ms = 0.4 + ((x - u) ** 2 + (y - v) ** 2) ** 0.5
                    yield (one, other), round(1000 * rtt_ms)

    return dict(pairs())
