"""No harm at all: what the harness itself finds wrong with good weather is wrong with it."""

from tests.faults.fault import OneScheduler
from tests.faults.world import World


class Calm(OneScheduler):
    """Nothing happens but what people do."""

    name = "none"
    what = "no fault"

    async def strike(self, world: World) -> None:
        """Do nothing."""
