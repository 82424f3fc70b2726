"""What is asked once more before a binding is sent."""

from dataclasses import replace

import pytest

from scheduler.domain.cluster_events import NodeChanged, PodChanged, PodDeleted, ServiceChanged
from scheduler.domain.delay import DelayConstraint
from scheduler.domain.plan import Assignment, Measured
from scheduler.domain.workload import Pod, Service
from scheduler.service.cache import Cache
from scheduler.service.still_holds import may_be_sent
from tests.builders import line_rtt, node, pod, within, workload

APP = (("app", "db"),)
DB = pod("db-0", workload=workload("db"), labels=APP)


def a_cache(*references: tuple[Pod, str]) -> Cache:
    """Return a cache that knows two nodes, and references on them."""
    cache = Cache()
    for name in ("a", "b"):
        cache.apply(NodeChanged(node(name)))
    cache.set_rtt(line_rtt(("a", "b")))
    cache.apply(ServiceChanged(Service("default", "store", APP)))
    for one, where in references:
        cache.apply(PodChanged(one, where, "Running", is_terminating=False))
    return cache


def assumed(cache: Cache, delay: DelayConstraint, *, at: str = "b", by: str = "a") -> Assignment:
    """Have a pod assumed on a node for a delay that was measured from another; return that."""
    one = pod("p", delays=(delay,))
    cache.apply(PodChanged(one, "", "Pending", is_terminating=False))
    cache.pods.assume(one, at)
    return Assignment(one, at, (Measured(delay, by, 1_000),))


@pytest.mark.parametrize("name", ["db", "db-0", "store"])
def test_a_reference_that_is_told_to_go_or_is_gone_holds_no_budget(name: str) -> None:
    cache = a_cache((DB, "a"))
    assignment = assumed(cache, within(5, name))
    assert may_be_sent(assignment, cache)

    cache.apply(PodChanged(DB, "a", "Running", is_terminating=True))
    assert not may_be_sent(assignment, cache)
    cache.apply(PodDeleted(DB.key, DB.uid))
    assert not may_be_sent(assignment, cache)


def test_another_replica_there_is_as_good_and_one_elsewhere_is_decided_on_anew() -> None:
    here, there = replace(DB, name="db-1", uid="1"), replace(DB, name="db-2", uid="2")
    cache = a_cache((DB, "a"), (there, "b"))
    assignment = assumed(cache, within(5, "db"))
    cache.apply(PodDeleted(DB.key, DB.uid))
    assert not may_be_sent(assignment, cache)
    cache.apply(PodChanged(here, "a", "Running", is_terminating=False))
    assert may_be_sent(assignment, cache)


def test_a_pod_is_no_reference_of_its_own_nor_is_one_of_another_namespace() -> None:
    foreign = replace(DB, pod_class=replace(DB.pod_class, namespace="other"))
    cache = a_cache((foreign, "a"))
    assert not may_be_sent(assumed(cache, within(5, "db")), cache)
    alone = a_cache()
    assert not may_be_sent(assumed(alone, within(5, "p", kind="pod"), by="b"), alone)


def test_a_node_is_there_without_a_pod_and_a_wish_holds_nothing_up() -> None:
    cache = a_cache()
    assert may_be_sent(assumed(cache, within(5, "a")), cache)
    other = a_cache()
    assert may_be_sent(assumed(other, within(5, "db", is_soft=True)), other)
