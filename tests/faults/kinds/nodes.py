"""Nodes that fail and return: their pods are evicted and replaced."""

import asyncio

from simulator.command import Cordon, FailNodes, ReturnNodes
from tests.faults.fault import OneScheduler, moment_s
from tests.faults.world import World


class NodeFlap(OneScheduler):
    """Nodes are not ready, silent or cordoned, for a moment or until their pods are evicted."""

    name = "node-flap"
    what = "nodes not ready, silent, cordoned; back after a moment, or after eviction"

    async def strike(self, world: World) -> None:
        """Fail nodes and return them, some times."""
        rng = world.rng
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 4)):
            some = rng.sample(
                world.scene.names, rng.randint(1, max(1, len(world.scene.names) // 2))
            )
            how = rng.choice(("Unknown", "False", "cordon"))
            if how == "cordon":
                for name in some:
                    world.do(Cordon(name))
            else:
                world.do(FailNodes(tuple(some), "False" if how == "False" else "Unknown"))
            await asyncio.sleep(rng.choice((0.02, 1.0, rng.uniform(0.0, 20.0))))
            world.do(ReturnNodes(tuple(some)))
            for name in some:
                world.do(Cordon(name, is_unschedulable=False))
            await asyncio.sleep(rng.choice((0.0, 0.5, 3.0)))
