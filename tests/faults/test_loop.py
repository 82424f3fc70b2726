"""The loop in virtual time: no time passes while there is something to do."""

import asyncio
from functools import partial

import pytest

from tests.faults.loop import Stuck, VirtualLoop, run_virtually


def test_time_goes_straight_to_the_next_timer() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        async def nap(seconds: float) -> float:
            await asyncio.sleep(seconds)
            return loop.time()

        return list(await asyncio.gather(nap(3600.0), nap(0.5), nap(60.0)))

    assert run_virtually(main) == [3600.0, 0.5, 60.0]


def test_no_time_passes_while_something_is_ready() -> None:
    async def main(loop: VirtualLoop) -> float:
        timer = loop.call_later(0.001, lambda: None)
        for _ in range(1_000):
            await asyncio.sleep(0)
        timer.cancel()
        return loop.time()

    assert run_virtually(main) == 0.0


def test_a_task_can_be_killed_between_any_two_of_its_steps() -> None:
    async def main(loop: VirtualLoop, kill_at: int) -> int:
        done = 0

        async def work() -> None:
            nonlocal done
            for _ in range(20):
                done += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(work())
        loop.at_step(loop.steps + kill_at, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        return done

    found = {run_virtually(partial(main, kill_at=k)) for k in range(1, 30)}

    assert found >= set(range(1, 21))


def test_a_loop_in_which_everything_waits_says_so() -> None:
    async def main(_: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run_virtually(main)
