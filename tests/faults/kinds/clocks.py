"""The wall clock jumps, as it does when it was never set, or is set by hand."""

import asyncio
from random import Random

from tests.faults.fault import moment_s
from tests.faults.world import Staging, World

_HOUR_S = 3600.0


class ClockJumps:
    """Each scheduler's wall clock jumps by an hour, back and forth."""

    name = "clock"
    what = "wall clock jumps by an hour, forth and back"

    def staging(self, rng: Random) -> Staging:
        """Have replicas elect a leader in half of the episodes."""
        return Staging(replicas=2, elects=True) if rng.random() < 0.5 else Staging()

    async def strike(self, world: World) -> None:
        """Jump some times."""
        await asyncio.sleep(moment_s(world))
        for _ in range(world.rng.randint(1, 4)):
            for process in world.processes:
                if world.rng.random() < 0.7:
                    shift_s = world.rng.choice((-_HOUR_S, 0.0, _HOUR_S))
                    world.wall_shift_s[process.name] = shift_s
            await asyncio.sleep(world.rng.uniform(0.0, 8.0))
