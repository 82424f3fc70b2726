"""Schedulers that die between two steps, or are cut off while another takes over."""

import asyncio
from random import Random

from tests.faults.fault import OneScheduler, moment_s
from tests.faults.messages import Request
from tests.faults.weather import Fate
from tests.faults.world import Staging, World


class Killed:
    """The process is killed at any step, and started anew; what it had sent still arrives."""

    name = "killed"
    what = "process killed between any two steps, restarted at once or seconds later"

    def staging(self, rng: Random) -> Staging:
        """Have one scheduler, one that elects itself, or two."""
        replicas, elects = rng.choice(((1, False), (1, False), (1, True), (2, True)))
        return Staging(replicas, elects)

    async def strike(self, world: World) -> None:
        """Kill the leader some steps after something happened, and start another."""
        rng = world.rng
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 4)):
            await self._kill(world)
            await asyncio.sleep(rng.choice((0.0, 0.01, rng.uniform(0.0, 3.0))))
            world.start()
            await asyncio.sleep(rng.choice((0.0, 0.1, rng.uniform(0.0, 10.0))))

    async def _kill(self, world: World) -> None:
        """Kill the leader soon after its next binding, or at any step, but at last after 3 s."""
        rng, victim, is_dead = world.rng, world.leader or world.processes[0], asyncio.Event()

        def kill() -> None:
            if not is_dead.is_set():
                world.kill(victim)
                is_dead.set()

        if rng.random() < 0.6:
            world.after_binding(kill)
        else:
            world.loop.at_step(world.loop.steps + rng.randint(1, 1500), kill)
        try:
            async with asyncio.timeout(rng.uniform(0.0, 3.0)):
                await is_dead.wait()
        except TimeoutError:
            kill()


class CutOff:
    """The leader no longer reaches the server, and another takes over; then it is back."""

    name = "cut-off"
    what = "the leader of two replicas cut off for up to 40 s"

    def staging(self, rng: Random) -> Staging:  # noqa: ARG002 - always alike
        """Have two replicas elect a leader."""
        return Staging(replicas=2, elects=True)

    async def strike(self, world: World) -> None:
        """Cut the leader off, some times."""
        rng = world.rng
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 2)):
            victim = world.leader
            name = victim.name if victim is not None else ""

            def rule(request: Request, name: str = name) -> Fate | None:
                if request.process != name:
                    return None
                is_done = rng.random() < 0.3
                there_s = rng.choice((0.001, rng.uniform(0.0, 50.0)))
                return Fate(there_s, 0.001, is_carried_out=is_done, ends="silence")

            with world.net.weather.under(rule):
                await asyncio.sleep(rng.uniform(2.0, 40.0))
                world.restart_deposed()
            await asyncio.sleep(rng.uniform(0.0, 5.0))


class Stopped(OneScheduler):
    """The process is told to stop, as in a rolling update, and another is started."""

    name = "stopped"
    what = "process stopped by a signal in full work, another started"

    async def strike(self, world: World) -> None:
        """Stop and start, some times."""
        rng = world.rng
        await asyncio.sleep(moment_s(world))
        for _ in range(rng.randint(1, 3)):
            old = world.processes[0]
            stopping = asyncio.create_task(old.stop())
            if rng.random() < 0.5:
                await stopping
            world.retire(old, stopping)
            world.start()
            await asyncio.sleep(rng.uniform(0.0, 5.0))
