"""The server answers, and not what was hoped for: 5xx, 429."""

import asyncio

from tests.faults.fault import OneScheduler, moment_s, some_calls
from tests.faults.messages import Request, refusal
from tests.faults.weather import Fate
from tests.faults.world import World

_BROKEN = ((500, "internal error"), (502, "bad gateway"), (503, "not ready"), (504, "time-out"))


class ServerErrors(OneScheduler):
    """Any call fails with a 5xx; some of those were carried out all the same."""

    name = "5xx"
    what = "5xx at any call, half of them carried out"

    async def strike(self, world: World) -> None:
        """Fail a share of all calls for some seconds."""
        rng, share = world.rng, world.rng.choice((0.2, 0.5, 1.0))
        concerns = some_calls(rng)

        def rule(request: Request) -> Fate | None:
            if not concerns(request) or rng.random() >= share:
                return None
            answer = refusal(*rng.choice(_BROKEN))
            is_done = rng.random() < 0.5 and request.method != "GET"
            good = world.net.weather.good()
            return Fate(good.there_s, good.back_s, is_carried_out=is_done, answer=answer)

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            if rng.random() < 0.5:  # a server that ends all watches as it goes
                world.net.cut("end")
            await asyncio.sleep(rng.uniform(0.5, 20.0))


class TooManyRequests(OneScheduler):
    """The server has too much to do, and says when to come again."""

    name = "429"
    what = "429 at any call, with or without Retry-After"

    async def strike(self, world: World) -> None:
        """Put off a share of all calls for some seconds."""
        rng, share = world.rng, world.rng.choice((0.3, 0.7, 1.0))
        concerns = some_calls(rng)
        headers = rng.choice(({}, {"Retry-After": "1"}, {"Retry-After": "5"}))

        def rule(request: Request) -> Fate | None:
            if not concerns(request) or rng.random() >= share:
                return None
            answer = refusal(429, "too many requests", **headers)
            return Fate(0.001, 0.001, is_carried_out=False, answer=answer)

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            if rng.random() < 0.5:
                world.net.cut("end")
            await asyncio.sleep(rng.uniform(0.5, 20.0))
