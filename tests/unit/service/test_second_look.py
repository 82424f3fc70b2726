"""What others do while a plan is made is not overlooked when it is carried out."""

from collections import Counter

import pytest

from scheduler.domain.between import HostPort, PodTerm, SpreadConstraint
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.planning.plan import plan
from tests.builders import node, pod, workload
from tests.harness import Harness

pytestmark = pytest.mark.looptime

PORT_80 = (HostPort("10.0.0.1", "TCP", 80),)
OTHER = "default-scheduler"


def _app(name: str) -> LabelSelector:
    return LabelSelector((Requirement("app", "In", (name,)),))


async def test_a_host_port_taken_meanwhile_is_not_taken_twice() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        await harness.settle(1)
        harness.meanwhile = lambda: harness.put_pod(
            pod("theirs", host_ports=PORT_80), scheduler=OTHER, node="a"
        )
        harness.put_pod(pod("p", host_ports=PORT_80))
        await harness.settle(2)

        assert "p" not in harness.placement


async def test_a_pod_that_must_be_kept_away_from_and_came_meanwhile_is_kept_away_from() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a", labels={"kubernetes.io/hostname": "a"}))
        await harness.settle(1)
        away = PodTerm("kubernetes.io/hostname", _app("x"), ("default",))
        harness.meanwhile = lambda: harness.put_pod(
            pod("theirs", labels=(("app", "x"),)), scheduler=OTHER, node="a"
        )
        harness.put_pod(pod("p", pod_anti_affinity=(away,)))
        await harness.settle(2)

        assert "p" not in harness.placement


async def test_replicas_stay_even_where_the_room_of_one_zone_is_taken_meanwhile() -> None:
    async with Harness(plan) as harness:
        for zone in "abc":
            harness.put_node(node(zone, labels={"zone": zone}, cpu_milli=1000))
        await harness.settle(1)
        even = SpreadConstraint("zone", 1, is_hard=True, selector=_app("s"))
        harness.meanwhile = lambda: harness.put_pod(
            pod("theirs", cpu_milli=1000), scheduler=OTHER, node="c"
        )
        for k in range(6):
            replica = pod(
                f"p{k}",
                labels=(("app", "s"),),
                cpu_milli=300,
                spread=(even,),
                workload=workload("s"),
            )
            harness.put_pod(replica)
        await harness.settle(2)

        count = Counter(n for name, n in harness.placement.items() if name != "theirs")
        assert count == {"a": 1, "b": 1}
