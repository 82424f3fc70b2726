"""What a fault is: it does harm to a world for some time, and mends it."""

from collections.abc import Callable
from random import Random
from typing import Protocol

from tests.faults.messages import Request
from tests.faults.world import Staging, World


class Fault(Protocol):
    """One kind of harm."""

    @property
    def name(self) -> str:
        """As the table and the command line have it."""
        ...

    @property
    def what(self) -> str:
        """What it does, for the table."""
        ...

    def staging(self, rng: Random) -> Staging:
        """Return how schedulers are run."""
        ...

    async def strike(self, world: World) -> None:
        """Do harm, and return when all is mended: from then on recovery is counted."""
        ...


class OneScheduler:
    """Staged with one process that always leads."""

    def staging(self, rng: Random) -> Staging:  # noqa: ARG002 - others draw
        """Return how schedulers are run."""
        return Staging()


def moment_s(world: World) -> float:
    """Return when to begin: most often about when people make or delete something."""
    rng, scene = world.rng, world.scene
    if rng.random() < 0.2:
        return rng.uniform(0.0, scene.busy_s)
    return max(0.0, rng.choice(scene.moments).at_s + rng.uniform(-0.3, 0.15))


def some_calls(rng: Random) -> Callable[[Request], bool]:
    """Return which calls a fault is about: all, what is read, what is written, or bindings."""
    about = rng.choice(("all", "all", "reads", "writes", "bindings"))

    def concerns(request: Request) -> bool:
        match about:
            case "reads":
                return request.method == "GET"
            case "writes":
                return request.method != "GET"
            case "bindings":
                return request.is_binding
            case _:
                return True

    return concerns
