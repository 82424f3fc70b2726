"""Measuring before a binding: what is old is measured anew, and the fresh word decides."""

import pytest

from scheduler.service.settings import parse_settings
from telemetry.model import UNKNOWN_US
from tests.builders import node, pod, within
from tests.unit.service.verifying import OLD_S, full_a, network, started

pytestmark = pytest.mark.looptime


async def test_a_pair_that_was_measured_lately_is_not_measured_again() -> None:
    measured = network(ab=10)
    measured.truth["a", "a"] = 0
    measured.measure_all()
    async with await started(measured) as harness:
        await harness.settle(5)
        harness.put_pod(pod("p", delays=(within(25, "a"),), cpu_milli=100))
        await harness.settle(1)
    assert harness.placement["p"] in "ab"
    assert measured.probes == []


async def test_an_old_pair_is_measured_and_bound_with_the_fresh_value() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.truth["a", "b"] = 12_000
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "b"
    assert measured.probes == [("a", ("b",))]
    annotations = dict(harness.cluster.bindings[-1].annotations)
    assert annotations["isochrone.dev/rtt"] == "a=12ms"


async def test_where_the_fresh_value_refutes_the_old_one_the_next_node_is_taken() -> None:
    measured = network(ab=10, ac=20)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.truth["a", "b"] = 99_000
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "c"
    assert measured.probes == [("a", ("b",)), ("a", ("c",))]
    assert len(harness.cluster.bindings) == 1


async def test_before_a_pod_is_said_to_be_unschedulable_its_star_is_measured_once() -> None:
    measured = network()
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.truth["a", "d"] = 5_000
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "d"
    assert measured.probes == [("a", None)]
    assert not [note for note in harness.cluster.notes if note.reason == "FailedScheduling"]


async def test_what_stays_unschedulable_is_said_after_one_star_and_not_starred_for_ever() -> None:
    measured = network()
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(30)
    assert "p" not in harness.placement
    assert measured.probes == [("a", None)]
    said = [n.message for n in harness.cluster.notes if n.reason == "FailedScheduling"]
    assert "node(s) exceeded delay to a (25ms; nearest b 50ms)" in said[0]


async def test_a_pair_nobody_measured_is_found_by_the_star() -> None:
    measured = network(ab=10)
    measured.store.know(measured.nodes)
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "b"


async def test_a_node_that_does_not_answer_is_not_bound_to() -> None:
    measured = network(ab=10, ac=20)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.truth["a", "b"] = UNKNOWN_US
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(20)
    assert harness.placement["p"] == "c"


async def test_while_the_references_agent_gives_no_answer_nothing_is_bound_on_an_old_value() -> (
    None
):
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.deaf.add("a")
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(10)
        assert "p" not in harness.placement
        measured.deaf.clear()
        await harness.settle(20)
    assert harness.placement["p"] == "b"


async def test_where_no_agent_of_the_reference_is_reached_the_other_end_measures() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.silent.add("a")
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "b"
    assert measured.probes == [("b", ("a",))]


async def test_where_nobody_can_be_asked_the_age_limit_of_the_source_decides() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.silent.update("abcd")
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "b"
    assert measured.probes == []


async def test_switched_off_nothing_is_measured() -> None:
    text = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
    settings = parse_settings(text + "telemetry: {verify: {enabled: false}}\n", "s.yaml")
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured, settings) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(4)
    assert harness.placement["p"] == "b"
    assert measured.probes == []


async def test_room_stays_held_while_a_pair_is_measured() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        for name in ("p", "q", "r"):
            harness.put_pod(pod(name, cpu_milli=1_500, delays=(within(25, "a"),)))
        await harness.settle(6)
    assert sorted(harness.placement[n] for n in ("p", "q") if n in harness.placement) == ["b", "b"]
    assert len([n for n in ("p", "q", "r") if n in harness.placement]) == 2


async def test_a_pod_that_is_deleted_meanwhile_is_not_bound() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(0.05)
        harness.delete_pod("default/p")
        await harness.settle(4)
    assert harness.cluster.bindings == []


async def test_a_node_that_is_cordoned_meanwhile_is_not_bound_to() -> None:
    measured = network(ab=10, ac=20)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(0.05)
        harness.put_node(node("b", is_unschedulable=True))
        await harness.settle(4)
    assert harness.placement["p"] == "c"


async def test_with_all_replicas_to_be_near_each_pair_that_is_old_is_measured() -> None:
    measured = network(ac=10, bc=10, ad=20, bd=20, cd=5)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        for k, at in enumerate("ab"):
            harness.put_pod(
                pod(f"db-{k}", cpu_milli=3_950, labels=(("app", "db"),)), node=at, phase="Running"
            )
        await harness.settle(0.5)
        measured.truth["a", "c"] = 99_000
        for k in range(1):
            harness.put_pod(pod(f"p{k}", delays=(within(25, "a"), within(25, "b"))))
        await harness.settle(6)
    assert harness.placement["p0"] == "d"
