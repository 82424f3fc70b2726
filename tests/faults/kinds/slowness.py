"""A server, or its disk, that takes its time.

The disk is the server's: the scheduler keeps nothing on its own. It reads settings at its start, a
matrix again and again in a thread that nobody waits for, and its token from memory-backed files.
"""

import asyncio

from tests.faults.fault import OneScheduler, moment_s, some_calls
from tests.faults.messages import Request
from tests.faults.weather import Fate, Tale
from tests.faults.world import World


class SlowApi(OneScheduler):
    """Every call takes long, some longer than their time-out, and watches lag behind."""

    name = "slow-api"
    what = "every call takes up to 2 s, some 50 s; watches lag up to 3 s"

    async def strike(self, world: World) -> None:
        """Slow everything down for some seconds."""
        rng, longest_s = world.rng, world.rng.choice((0.3, 2.0))
        tail, concerns = rng.choice((0.0, 0.05)), some_calls(rng)

        def rule(request: Request) -> Fate | None:
            if not concerns(request):
                return None
            there_s = rng.uniform(5.0, 50.0) if rng.random() < tail else rng.uniform(0.0, longest_s)
            return Fate(there_s, rng.uniform(0.0, longest_s))

        await asyncio.sleep(moment_s(world))
        with (
            world.net.weather.under(rule),
            world.net.weather.telling(lambda: Tale(rng.uniform(0.0, 1.5 * longest_s))),
        ):
            await asyncio.sleep(rng.uniform(2.0, 30.0))


class SlowDisk(OneScheduler):
    """Writes take long, as where etcd waits for its disk; reads do not."""

    name = "slow-disk"
    what = "every write takes 0.5 to 20 s (etcd waits for its disk)"

    async def strike(self, world: World) -> None:
        """Slow writes down for some seconds."""
        rng = world.rng

        def rule(request: Request) -> Fate | None:
            if request.method == "GET":
                return None
            wait_s = rng.uniform(0.5, 20.0 if rng.random() < 0.2 else 3.0)
            return Fate(0.001 + wait_s, 0.001)

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            await asyncio.sleep(rng.uniform(2.0, 20.0))
