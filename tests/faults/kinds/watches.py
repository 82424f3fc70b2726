"""Watches that end, that the server has forgotten, that tell twice or out of order."""

import asyncio
from contextlib import ExitStack

from tests.faults.fault import OneScheduler, moment_s
from tests.faults.weather import Tale
from tests.faults.wire import Cut
from tests.faults.world import World

_PLURALS = ("", "pods", "nodes", "services")
_CUTS: tuple[Cut, ...] = ("end", "end", "reset", "reset", "silence")
_FORGETTING: tuple[Cut, ...] = ("reset", "end", "expire")


class WatchCut(OneScheduler):
    """Watches are ended, break, or fall silent unknown to their reader."""

    name = "watch-cut"
    what = "watches end, break or fall silent"

    async def strike(self, world: World) -> None:
        """Cut some watches, some times."""
        await asyncio.sleep(moment_s(world))
        for _ in range(world.rng.randint(1, 6)):
            how = world.rng.choice(_CUTS)
            world.net.cut(how, world.rng.choice(_PLURALS))
            await asyncio.sleep(world.rng.choice((0.0, world.rng.uniform(0.0, 5.0))))


class Expired(OneScheduler):
    """The server has forgotten what came after the version a watch resumes from."""

    name = "410"
    what = "410 at a resumed watch: all is listed anew"

    async def strike(self, world: World) -> None:
        """Forget, and cut; again and again."""
        await asyncio.sleep(moment_s(world))
        for _ in range(world.rng.randint(1, 5)):
            how = world.rng.choice(_FORGETTING)
            world.net.cut(how, world.rng.choice(_PLURALS))
            # Changes while nobody watches are what a new list must make good.
            for pod in world.pods():
                if world.rng.random() < 0.2:
                    world.delete(pod, world.rng.choice((None, 0.0)))
            world.api.forget_changes()
            await asyncio.sleep(world.rng.choice((0.0, 0.1, world.rng.uniform(0.0, 5.0))))


class ToldTwice(OneScheduler):
    """Watches tell changes again, and changes of different objects out of order."""

    name = "repeated"
    what = "events told twice, out of order, late"

    async def strike(self, world: World) -> None:
        """Mix up what watches tell for some seconds."""
        rng = world.rng
        held, again = rng.choice((0.0, 0.3)), rng.choice((0.2, 0.6))
        longest_s = rng.choice((0.01, 0.5, 3.0))

        def tale() -> Tale:
            repeats = rng.randint(1, 6) if rng.random() < again else 0
            return Tale(rng.uniform(0.0, longest_s), rng.random() < held, repeats)

        await asyncio.sleep(moment_s(world))
        with ExitStack() as stack:
            stack.enter_context(world.net.weather.telling(tale))
            await asyncio.sleep(rng.uniform(3.0, 25.0))
