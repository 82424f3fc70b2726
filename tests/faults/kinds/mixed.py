"""Several faults at once."""

import asyncio
from collections.abc import Sequence
from random import Random

from tests.faults.fault import Fault
from tests.faults.world import Staging, World


class Mixed:
    """Two or three of the others, each at its own moment.

    Parameters
    ----------
    others
        That need no staging of their own.
    """

    name = "mixed"
    what = "two or three of the above at once"

    def __init__(self, others: Sequence[Fault]) -> None:
        self._others = others

    def staging(self, rng: Random) -> Staging:
        """Have one scheduler, or two that elect a leader."""
        return Staging(replicas=2, elects=True) if rng.random() < 0.3 else Staging()

    async def strike(self, world: World) -> None:
        """Strike with each; all is mended when the last is."""
        chosen = world.rng.sample(self._others, world.rng.randint(2, 3))
        await asyncio.gather(*(fault.strike(world) for fault in chosen))
