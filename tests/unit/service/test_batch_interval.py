"""Decisions at fixed intervals, on all that waits."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from scheduler.domain.errors import SettingsError
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.service.queue import SchedulingQueue
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import Stage
from scheduler.service.settings import SchedulerConfiguration, parse_settings
from tests.builders import node, pod
from tests.harness import Harness
from tests.unit.service.first_fit import first_fit

EACH_SECOND = QueueSettings(batch_interval_milliseconds=1_000)
HEAD = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"


def named(batch: tuple[Pod, ...]) -> list[str]:
    return [one.name for one in batch]


def test_a_batch_is_taken_at_the_tick_however_pods_come() -> None:
    queue = SchedulingQueue(EACH_SECOND)
    queue.put(pod("early"), 3.1)
    queue.put(pod("late"), 3.99)

    assert queue.next_s() == 4.0
    assert queue.take(3.999) == ()
    assert named(queue.take(4.0)) == ["early", "late"]


def test_ticks_stay_where_they_are_whenever_a_round_ends() -> None:
    queue = SchedulingQueue(EACH_SECOND)
    for came_s, tick_s in ((0.2, 1.0), (1.7, 2.0), (2.0, 3.0), (7.5, 8.0)):
        queue.put(pod(f"p{came_s}"), came_s)
        assert queue.next_s() == tick_s
        assert len(queue.take(tick_s)) == 1


def test_a_round_that_is_overdue_is_taken_at_once() -> None:
    queue = SchedulingQueue(EACH_SECOND)
    queue.put(pod("a"), 0.5)

    assert named(queue.take(2.6)) == ["a"]


def test_all_that_waits_comes_along_but_what_is_gated() -> None:
    queue = SchedulingQueue(EACH_SECOND)
    for name in ("parked", "failed"):
        queue.put(pod(name), 0.0)
    queue.take(1.0)
    queue.park(pod("parked"), 1.0)
    queue.retry(pod("failed"), 1.0)
    queue.put(replace(pod("gated"), is_gated=True), 1.1)
    queue.put(pod("new"), 1.2)

    assert queue.next_s() == 2.0
    assert named(queue.take(2.0)) == ["failed", "new", "parked"]
    assert queue.count_of(Stage.GATED) == 1


def test_no_round_is_made_while_nobody_new_waits() -> None:
    queue = SchedulingQueue(EACH_SECOND)
    queue.put(pod("parked"), 0.0)
    queue.take(1.0)
    queue.park(pod("parked"), 1.0)

    assert queue.take(2.0) == ()
    assert queue.next_s() == 1.0 + EACH_SECOND.flush_seconds


def test_a_batch_has_any_number_of_classes() -> None:
    queue = SchedulingQueue(msgspec.structs.replace(EACH_SECOND, batch_max_classes=2))
    for k in range(5):
        queue.put(pod(f"p{k}", cpu_milli=k + 1), 0.0)

    assert len(queue.take(1.0)) == 5


@pytest.mark.looptime
async def test_the_service_decides_at_the_ticks_and_at_no_other_time() -> None:
    now_s = asyncio.get_running_loop().time
    rounds: list[tuple[float, int]] = []

    def told(snapshot: ClusterSnapshot, *rest: object) -> Plan:
        rounds.append((now_s(), len(snapshot.pending)))
        return first_fit(snapshot, *rest)  # type: ignore[arg-type]

    settings = SchedulerConfiguration(queue=EACH_SECOND)
    async with Harness(told, settings) as harness:
        harness.put_node(node("a"))
        for k in range(25):  # one each 0.1 s, from 0.05 s on
            harness.put_pod(pod(f"p{k}"))
            await harness.settle(0.1)
        await harness.settle(1)

        assert len(harness.placement) == 25

    assert [round(at_s, 2) for at_s, _ in rounds] == [1.0, 2.0, 3.0]
    assert [count for _, count in rounds] == [10, 10, 5]


def test_the_setting_is_off_by_default_and_never_negative() -> None:
    assert not QueueSettings().has_interval
    text = f"{HEAD}queue: {{batchIntervalMilliseconds: 250}}\n"
    assert parse_settings(text, "s.yaml").queue.has_interval
    with pytest.raises(SettingsError, match=r"queue\.batchIntervalMilliseconds"):
        parse_settings(text.replace("250", "-1"), "s.yaml")
