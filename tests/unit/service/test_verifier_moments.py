"""What changes while a pair is measured, and what may not be taken for a measurement at all."""

import numpy as np
import pytest

from scheduler.domain.delay import Quantifier
from telemetry.model import UNKNOWN_US, RttMatrix
from tests.builders import pod, within, workload
from tests.harness import Harness
from tests.true_network import TrueNetwork
from tests.unit.service.verifying import OLD_S, full_a, network, started

pytestmark = pytest.mark.looptime

MEANWHILE_S = 0.05
"""Into a probe, which takes 0.1 s."""


def a_file(measured: TrueNetwork, ab_us: int) -> RttMatrix:
    """Return what a file says: a and b near each other, all others far."""
    rtt_us = np.full((4, 4), 50_000, dtype=np.int32)
    rtt_us[0, 1] = rtt_us[1, 0] = ab_us
    return RttMatrix(tuple(measured.nodes), rtt_us)


def put_db(harness: Harness, name: str, at: str, cpu_milli: int = 0) -> None:
    spec = pod(name, cpu_milli=cpu_milli, labels=(("app", "db"),), workload=workload("db"))
    harness.put_pod(spec, node=at, phase="Running")


async def test_every_pod_of_a_batch_waits_for_the_star_of_their_reference() -> None:
    measured = network()
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.truth["a", "d"] = 5_000
        for name in ("p", "q", "r"):
            harness.put_pod(pod(name, delays=(within(25, "a"),)))
        await harness.settle(4)
    assert {harness.placement[name] for name in ("p", "q", "r")} == {"d"}
    assert measured.probes.count(("a", None)) == 1
    assert not [note for note in harness.cluster.notes if note.reason == "FailedScheduling"]


async def test_stars_of_a_pod_that_stays_unschedulable_become_rarer() -> None:
    measured = network()
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        for _ in range(60):
            measured.measure_all()
            await harness.settle(60)
    assert 3 <= measured.probes.count(("a", None)) <= 8


async def test_replicas_that_refer_to_each_other_are_measured_before_they_are_bound() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    measured.truth["a", "b"] = measured.truth["b", "a"] = 99_000
    async with await started(measured) as harness:
        near_each_other = (within(25, "s", kind="workload"),)
        for k in range(3):
            replica = pod(f"s-{k}", cpu_milli=1_500, workload=workload("s"), delays=near_each_other)
            harness.put_pod(replica)
        await harness.settle(5)
    assert set(harness.placement.values()) != {"a", "b"}


async def test_a_reference_that_moves_meanwhile_takes_the_binding_with_it() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        put_db(harness, "db-0", "a")
        await harness.settle(0.5)
        harness.put_pod(pod("p", delays=(within(25, "db", kind="workload"),)))
        await harness.settle(MEANWHILE_S)
        harness.delete_pod("default/db-0")
        put_db(harness, "db-1", "d")
        await harness.settle(8)
    assert measured.probes
    assert harness.placement["p"] == "d"


async def test_a_budget_that_is_changed_meanwhile_is_the_one_that_counts() -> None:
    measured = network(ab=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        known = harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(MEANWHILE_S)
        stricter = pod("p", delays=(within(5, "a"),)).pod_class
        harness.put_pod(type(known)(known.name, stricter, uid=known.uid))
        await harness.settle(4)
    assert "p" not in harness.placement


async def test_a_young_pair_of_all_that_changes_meanwhile_is_looked_at_too() -> None:
    measured = network(ac=20, bc=19, ad=60, bd=60)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        for k, at in enumerate("ab"):
            put_db(harness, f"db-{k}", at, cpu_milli=4_000)
        await harness.settle(3)
        measured.measure("b")
        await harness.settle(3)
        all_near = within(25, "db", kind="workload", of=Quantifier.ALL)
        harness.put_pod(pod("p", delays=(all_near,)))
        await harness.settle(MEANWHILE_S)
        measured.truth["b", "c"] = measured.truth["c", "b"] = 30_000
        measured.measure("b")
        await harness.settle(4)
    assert harness.placement.get("p") != "c"


async def test_a_file_that_was_just_read_is_no_measurement_of_now() -> None:
    measured = network(ab=99)
    measured.store.know(measured.nodes)
    measured.store.take_file(a_file(measured, 10_000))
    async with await started(measured) as harness:
        await full_a(harness)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(10)
    assert "p" not in harness.placement
    assert measured.probes


async def test_ages_go_on_while_no_new_table_comes() -> None:
    measured = network(ab=10)
    measured.measure_all(20.0)
    async with await started(measured) as harness:
        await full_a(harness)
        await harness.settle(13.5)  # 34 s old, in a table of 14 s
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(1)
    assert measured.probes == [("a", ("b",))]


async def test_an_agent_that_hangs_holds_up_nobody_who_does_not_refer_to_its_pods() -> None:
    measured = network(ab=10, cd=10)
    measured.measure_all(OLD_S)
    async with await started(measured) as harness:
        await full_a(harness)
        measured.deaf.add("a")
        put_db(harness, "db-0", "c", cpu_milli=1)
        await harness.settle(0.5)
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        harness.put_pod(pod("q", delays=(within(60, "db", kind="workload"),)))
        await harness.settle(0.15)
        harness.put_pod(pod("plain"))
        await harness.settle(0.8)
        assert "plain" in harness.placement


async def test_a_link_that_agents_found_cut_is_not_read_from_a_file() -> None:
    measured = network(ab=10)
    measured.measure_all()
    measured.store.take_file(a_file(measured, 10_000))
    measured.truth["a", "b"] = measured.truth["b", "a"] = UNKNOWN_US
    async with await started(measured) as harness:
        await full_a(harness)
        for _ in range(4):
            await harness.settle(1)
            measured.measure("a")
        harness.put_pod(pod("p", delays=(within(25, "a"),)))
        await harness.settle(5)
    assert "p" not in harness.placement
