"""Pod groups in the whole service, in virtual time."""

import pytest

from scheduler.domain.errors import BindRefused
from scheduler.domain.object_events import PodGroupChanged
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.ports import Binding
from scheduler.domain.workload import Pod
from scheduler.planning.plan import plan
from tests.builders import node, pod
from tests.harness import Harness

pytestmark = pytest.mark.looptime

REF = GroupRef(GroupApi.COSCHEDULING, "default", "g")


def member(number: int, cpu_milli: int = 1_000) -> Pod:
    return pod(f"g-{number}", cpu_milli=cpu_milli, group=REF)


def tell(harness: Harness, least: int = 3) -> None:
    """Have the cluster tell of the group."""
    harness.cluster.emit(PodGroupChanged(PodGroup(REF, least)))


async def test_members_that_come_one_by_one_are_bound_when_the_last_has_come() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        await harness.settle()
        tell(harness)
        for number in (0, 1):
            harness.put_pod(member(number))
            await harness.settle(20)
            assert harness.placement == {}
        assert harness.cluster.notes[-1].message.startswith(
            "Wait for pod number of PodGroup to be 3"
        )

        harness.put_pod(member(2))
        await harness.settle(0.5)
        assert harness.placement == dict.fromkeys(("g-0", "g-1", "g-2"), "a")


async def test_a_group_that_is_made_after_its_pods_has_them_placed() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        for number in range(3):
            harness.put_pod(member(number))
        await harness.settle(20)
        assert harness.placement == {}

        tell(harness)
        await harness.settle(12)
        assert len(harness.placement) == 3


async def test_room_that_comes_starts_the_whole_group() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a", cpu_milli=2_000))
        await harness.settle()
        tell(harness)
        for number in range(3):
            harness.put_pod(member(number))
        await harness.settle(20)
        assert harness.placement == {}

        harness.put_node(node("b", cpu_milli=1_000))
        await harness.settle(12)
        assert sorted(harness.placement.values()) == ["a", "a", "b"]


async def test_a_member_whose_binding_is_refused_is_placed_again() -> None:
    async with Harness(plan) as harness:
        refused = ["g-1"]

        def refuse(binding: Binding) -> None:
            if binding.pod.name in refused:
                refused.remove(binding.pod.name)
                raise BindRefused(binding.pod.key, binding.node, "no")

        harness.cluster.before_bind = refuse
        harness.put_node(node("a", cpu_milli=3_000))
        await harness.settle()
        tell(harness)
        for number in range(3):
            harness.put_pod(member(number))
        await harness.settle(0.5)
        assert sorted(harness.placement) == ["g-0", "g-2"]
        await harness.settle(10)
        assert sorted(harness.placement) == ["g-0", "g-1", "g-2"]
