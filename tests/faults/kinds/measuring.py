"""Agents that lie, fall silent, or take orders and do not answer."""

import asyncio

from tests.faults.fault import OneScheduler, moment_s
from tests.faults.world import World


class LyingAgents(OneScheduler):
    """Some agents say that all is near, or far, or lost."""

    name = "lies"
    what = "agents report a tenth, ten times the truth, or lost bursts"

    async def strike(self, world: World) -> None:
        """Have agents lie for some seconds, and then tell the truth."""
        rng, agents = world.rng, world.agents
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 3)):
            names = rng.sample(agents.nodes, rng.randint(1, len(agents.nodes)))
            agents.lies = {name: rng.choice((0.0, 0.1, 3.0, 10.0)) for name in names}
            await asyncio.sleep(rng.uniform(1.0, 15.0))
        agents.lies = {}
        _report_all(world)


class SilentAgents(OneScheduler):
    """Some agents, or all, report nothing; some hang at every order."""

    name = "silence"
    what = "agents silent, or deaf to orders to probe"

    async def strike(self, world: World) -> None:
        """Silence agents for up to a minute."""
        rng, agents = world.rng, world.agents
        await asyncio.sleep(moment_s(world))
        names = rng.sample(agents.nodes, rng.randint(1, len(agents.nodes)))
        cut = rng.randint(0, len(names))
        agents.silent, agents.deaf = set(names[:cut]), set(names[cut:])
        await asyncio.sleep(rng.choice((3.0, rng.uniform(5.0, 60.0))))
        agents.silent, agents.deaf = set(), set()
        _report_all(world)


class SlowLinks(OneScheduler):
    """Links get slower, or nodes move away, and stay so: budgets that held are broken for good."""

    name = "slow-link"
    what = "links slow down for good: pods are evicted, and bound where their budgets hold"

    async def strike(self, world: World) -> None:
        """Slow down links between some nodes and others, for good; let pods be moved."""
        rng, agents = world.rng, world.agents
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 3)):
            slow = set(rng.sample(agents.nodes, rng.randint(1, max(1, len(agents.nodes) // 2))))
            factor = rng.uniform(2.0, 12.0)
            for one, other in list(agents.truth_us):
                if one < other and (one in slow) != (other in slow):
                    rtt_us = round(agents.truth_us[one, other] * factor)
                    agents.truth_us[one, other] = agents.truth_us[other, one] = rtt_us
            await asyncio.sleep(rng.uniform(1.0, 40.0))
        _report_all(world)


def _report_all(world: World) -> None:
    """Have every agent report the truth: the next regular report may be most of a minute away."""
    for desk in world.agents.desks:
        for node in world.agents.nodes:
            desk.feed.take(world.agents.row(node), whole=False)
