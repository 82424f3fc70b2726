"""Pod groups in the cache: by what their pods call them, and whom their news may help."""

from dataclasses import replace

import pytest

from scheduler.domain.cluster_events import Listed
from scheduler.domain.object_events import PodGroupChanged, PodGroupDeleted
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.reasons import Cause
from scheduler.service.cache import Cache
from scheduler.service.event_log import EventLog
from scheduler.service.group_table import GroupTable
from scheduler.service.hints import helps
from scheduler.service.parked import ParkedPods
from scheduler.service.wake import GroupTold
from tests.harness import Harness
from tests.unit.service.first_fit import first_fit
from tests.unit.service.grounded import waiting

TRAIN = PodGroup(GroupRef(GroupApi.COSCHEDULING, "default", "train"), min_member=3)
NAMESAKE = PodGroup(GroupRef(GroupApi.VOLCANO, "default", "train"), min_member=2)
TOLD = GroupTold(TRAIN.ref, None, TRAIN)


def test_a_group_comes_changes_nothing_when_it_is_repeated_and_goes() -> None:
    table = GroupTable()

    came = table.put(PodGroupChanged(TRAIN))
    again = table.put(PodGroupChanged(TRAIN))
    changed = table.put(PodGroupChanged(replace(TRAIN, min_member=4)))
    went = table.drop(PodGroupDeleted(TRAIN.ref))

    assert again == table.drop(PodGroupDeleted(TRAIN.ref)) == []
    assert [wake.why for wake in (*came, *changed, *went)] == [
        f"scheduling.x-k8s.io/PodGroup{what}" for what in ("Add", "Update", "Delete")
    ]
    assert list(table) == []


def test_a_snapshot_stays_as_it_was_taken() -> None:
    table = GroupTable()
    table.put(PodGroupChanged(TRAIN))
    was = table.freeze()
    assert table.freeze() is was

    table.put(PodGroupChanged(NAMESAKE))
    then = table.freeze()
    table.drop(PodGroupDeleted(TRAIN.ref))

    assert dict(was) == {TRAIN.ref: TRAIN}
    assert dict(then) == {TRAIN.ref: TRAIN, NAMESAKE.ref: NAMESAKE}
    assert dict(table.freeze()) == {NAMESAKE.ref: NAMESAKE}


def test_decisions_see_the_groups_and_a_complete_list_drops_what_it_does_not_name() -> None:
    cache = Cache()
    cache.begin_listing()
    cache.apply(PodGroupChanged(TRAIN))
    cache.apply(PodGroupChanged(NAMESAKE))
    cache.apply(Listed())
    assert set(cache.freeze((), 0.0).groups) == {TRAIN.ref, NAMESAKE.ref}

    cache.begin_listing()
    cache.apply(PodGroupChanged(NAMESAKE))
    wakes = cache.apply(Listed())

    assert dict(cache.freeze((), 0.0).groups) == {NAMESAKE.ref: NAMESAKE}
    assert [wake.why for wake in wakes] == ["scheduling.x-k8s.io/PodGroupDelete"]


@pytest.mark.looptime
async def test_what_of_a_group_cannot_be_read_is_written_down_once() -> None:
    odd = replace(TRAIN, faults=('spec.minMember: is "x"; write a whole number from 1',))
    async with Harness(first_fit) as harness:
        harness.cluster.emit(PodGroupChanged(odd))
        harness.cluster.emit(PodGroupChanged(odd))
        await harness.settle(5)

        said = [row.text for row in harness.state.journal.since() if "PodGroup" in row.text]

    assert said == [f"PodGroup default/train (scheduling.x-k8s.io) cannot be read: {odd.faults[0]}"]


@pytest.mark.parametrize(
    ("group", "is_helped"),
    [(TRAIN.ref, True), (NAMESAKE.ref, False), (None, False)],
    ids=["its own pods", "not those of a namesake", "not those of none"],
)
def test_news_of_a_group_may_help_its_pods_whatever_they_wait_for(
    group: GroupRef | None, *, is_helped: bool
) -> None:
    grounds, parked, log = waiting(Cause.RESOURCE, group=group), ParkedPods(), EventLog()
    parked.add("default/p", grounds)
    log.add(TOLD)

    assert helps(grounds, TOLD) is is_helped
    assert parked.helped_by(TOLD) == ["default/p"] * is_helped
    assert log.has_helped(grounds, 0) is is_helped
