"""Nodes that agents say are silent, before the API server does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import NO_COVER
from scheduler.reliability.failover.settings import FailoverSettings
from scheduler.service.settings import SchedulerConfiguration
from telemetry.model import UNKNOWN_US
from tests.builders import node, pod
from tests.harness import Harness
from tests.true_network import TrueNetwork

pytestmark = pytest.mark.looptime

NAMES = "abcdef"
SILENT_S = 45.0
"""Longer than three reports that do not come, and the look after."""


class Measured(TrueNetwork):
    """Agents that report every ten seconds, but for those that were cut off."""

    def cut(self, name: str) -> None:
        """Have a node answer nobody and report nothing."""
        self.silent.add(name)
        for pair in self.truth:
            if name in pair:
                self.truth[pair] = UNKNOWN_US

    def mend(self, name: str) -> None:
        self.silent.discard(name)
        for pair in self.truth:
            if name in pair:
                self.truth[pair] = 10_000

    async def report(self) -> None:
        while True:
            for name in self.nodes:
                if name not in self.silent:
                    self.measure(name)
            await asyncio.sleep(10)


@asynccontextmanager
async def measured(quorum: float = 0.8) -> AsyncIterator[tuple[Harness, Measured]]:
    network = Measured({(i, j): 10_000 for i in NAMES for j in NAMES if i != j})
    network.measure_all()
    settings = SchedulerConfiguration(
        failover=FailoverSettings(agent_quorum=quorum), cover=NO_COVER
    )
    harness = Harness(plan, settings, network=network)
    for name in NAMES:
        harness.cluster.nodes[name] = node(name)
    reporting = asyncio.create_task(network.report())
    try:
        async with harness:
            await harness.settle(15)
            yield harness, network
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


def only_on_a(harness: Harness, name: str) -> None:
    harness.put_pod(pod(name, node_selector=(("on", "a"),)))


async def test_a_node_that_nobody_hears_of_takes_no_new_pods_and_they_say_why() -> None:
    async with measured() as (harness, network):
        harness.put_node(node("a", labels={"on": "a"}))
        network.cut("a")
        await harness.settle(SILENT_S)
        only_on_a(harness, "p")
        await harness.settle(3)

        assert harness.state.beliefs.dead == {"a"}
        assert harness.placement == {}
        assert "1 node(s) were silent to other nodes" in harness.cluster.notes[-1].message
        said = [line.text for line in harness.state.journal.since()]
        assert "node a is silent: 5 agents were asked" in said

        network.mend("a")
        await harness.settle(60)
        assert harness.state.beliefs.dead == set()
        assert harness.placement == {"p": "a"}


async def test_a_node_whose_agent_alone_has_died_is_alive() -> None:
    async with measured() as (harness, network):
        network.silent.add("a")
        await harness.settle(SILENT_S)

        assert ("b", ("a",)) in network.probes
        assert harness.state.beliefs.dead == set()


async def test_a_node_that_loses_packets_while_its_agent_reports_is_alive() -> None:
    async with measured() as (harness, network):
        network.cut("a")
        network.silent.discard("a")
        await harness.settle(SILENT_S)

        assert network.probes == []
        assert harness.state.beliefs.dead == set()


async def test_where_too_few_agree_the_node_is_alive() -> None:
    async with measured() as (harness, network):
        network.silent.add("a")
        for voter in "bc":
            network.truth[voter, "a"] = network.truth["a", voter] = UNKNOWN_US
        await harness.settle(SILENT_S)

        assert harness.state.beliefs.dead == set()


async def test_by_default_agents_are_not_asked() -> None:
    async with measured(quorum=0.0) as (harness, network):
        network.cut("a")
        await harness.settle(SILENT_S)

        assert network.probes == []
        assert harness.state.beliefs.dead == set()


async def test_what_the_api_says_goes_before_what_agents_say_and_the_node_stays_dead() -> None:
    async with measured() as (harness, network):
        network.cut("a")
        await harness.settle(SILENT_S)
        before = harness.state.beliefs.belief.dead["a"]
        harness.put_node(replace(node("a"), is_ready=False))
        await harness.settle(5)
        after = harness.state.beliefs.belief.dead["a"]

        assert (before.sign, after.sign) == ("silent to agents", "not ready")
        assert before.since_s == after.since_s
