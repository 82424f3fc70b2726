"""No answer: what was sent may have arrived, or not, or comes late."""

import asyncio

from tests.faults.fault import OneScheduler, moment_s, some_calls
from tests.faults.messages import Request, refusal
from tests.faults.weather import Ending, Fate
from tests.faults.world import World

_LATEST_S = 55.0
"""The server gives a request a minute (``--request-timeout``)."""


class NoAnswer(OneScheduler):
    """Any call goes unanswered; some of them arrive, and some of these much later."""

    name = "time-out"
    what = "no answer at any call; carried out at once, late, or never"

    async def strike(self, world: World) -> None:
        """Lose a share of all answers for some seconds."""
        rng, share = world.rng, world.rng.choice((0.2, 0.5, 1.0))
        concerns = some_calls(rng)

        def rule(request: Request) -> Fate | None:
            if not concerns(request) or rng.random() >= share:
                return None
            there_s = rng.choice((0.001, rng.uniform(0.0, 10.0), rng.uniform(0.0, _LATEST_S)))
            is_done = rng.random() < 0.6
            ends: Ending = rng.choice(("silence", "silence", "reset"))
            return Fate(there_s, 0.001, is_carried_out=is_done, ends=ends)

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            if rng.random() < 0.3:
                world.net.cut("reset")
            await asyncio.sleep(rng.uniform(0.5, 15.0))


class LostAnswer(OneScheduler):
    """A binding is carried out, and its sender does not come to know."""

    name = "lost-answer"
    what = "binding accepted, its answer lost, reset or a 504"

    async def strike(self, world: World) -> None:
        """Lose the answers of the next bindings; sometimes the watch falls silent with them."""
        rng, left = world.rng, world.rng.randint(1, 6)
        is_over = asyncio.Event()

        def rule(request: Request) -> Fate | None:
            nonlocal left
            if not request.is_binding:
                return None
            left -= 1
            if left <= 0:
                is_over.set()
            ends: Ending = rng.choice(("silence", "reset", "answer"))
            answer = refusal(504, "time-out") if ends == "answer" else None
            if rng.random() < 0.2:
                world.net.cut("silence", "pods")
            return Fate(rng.uniform(0.0, 2.0), 0.001, ends=ends, answer=answer)

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            try:
                async with asyncio.timeout(rng.uniform(1.0, 30.0)):
                    await is_over.wait()
            except TimeoutError:
                pass
