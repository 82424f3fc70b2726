"""What the soak counts: tables wherever they are, found without being named."""

import asyncio
from collections import deque

from benchmarks.soak.jumping import JumpingLoop
from benchmarks.soak.sizes import least_handles, open_files, table_sizes
from scheduler.service.journal import Journal
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, new_state


def test_tables_are_found_under_the_names_that_lead_to_them() -> None:
    state = new_state(SchedulerConfiguration(), Clock(lambda: 0.0, lambda: 0.0))
    state.journal.add(0.0, "node", "n1 joined")
    state.cache.unlisted["pods"] = "forbidden"

    found = table_sizes({"state": state})

    assert found["state.journal.ring"] == 1
    assert found["state.cache.unlisted"] == 1
    assert "state.cache.pods.records" in found
    assert "state.intake.warned" in found


def test_alike_parts_are_added_up() -> None:
    first, second = Journal(), Journal()
    first.add(0.0, "node", "n1 joined")
    second.add(0.0, "node", "n2 joined")
    second.add(0.0, "node", "n3 joined")

    assert table_sizes({"all": [first, second]})["all[].ring"] == 3


async def test_what_waits_in_a_queue_counts() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)

    assert table_sizes({"inbox": queue})["inbox"] == 1


def test_a_table_of_values_is_counted_and_not_walked_through() -> None:
    assert table_sizes({"ring": deque([(1, 2), (3, 4)])}) == {"ring": 2}


def test_an_open_file_counts() -> None:
    before = open_files()
    with open("/dev/null", "rb"):  # noqa: PTH123 - a descriptor, and nothing else
        assert open_files() == before + 1


def test_a_moment_at_which_handles_are_few_is_not_missed_between_two_samples() -> None:
    async def least() -> tuple[int, int]:
        waiting = asyncio.create_task(asyncio.sleep(10.0))  # ends, and its file with it
        with open("/dev/null", "rb"):  # noqa: PTH123, ASYNC230 - a descriptor, and nothing else
            counted = asyncio.create_task(least_handles(60.0))
            await waiting
        await asyncio.sleep(20.0)
        with open("/dev/null", "rb"):  # noqa: PTH123, ASYNC230 - the same
            return await counted

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        before = runner.run(least_handles(5.0))
        assert runner.run(least()) == (before[0], before[1] + 1), "the one that counts is a task"
