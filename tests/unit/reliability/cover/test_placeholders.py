"""Which placeholders there should be, worked out by hand."""

from dataclasses import replace

import msgspec
import pytest

from scheduler.domain.node import Node
from scheduler.domain.resources import CPU, PODS, Resources, resources
from scheduler.domain.snapshot import ClusterSnapshot, LostPod, build_snapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.reliability.cover.placeholders import wanted_placeholders
from scheduler.reliability.cover.settings import NO_COVER, CoverSettings
from tests.builders import line_rtt, node, pod, workload

NAMES = ["a", "b", "c"]
GPU = "example.com/gpu"


def backed(name: str, backup: str, cpu_milli: int = 300) -> Pod:
    made = pod(name, cpu_milli=cpu_milli, workload=workload("web"))
    return replace(made, uid=f"uid-{name}", backup=backup)


def world(
    *placed: tuple[Pod, str],
    dead: str = "",
    pending: tuple[Pod, ...] = (),
    others: tuple[Node, ...] = (),
) -> ClusterSnapshot:
    """Return three nodes of one core, some of them others."""
    nodes = {name: node(name, cpu_milli=1000, is_ready=name not in dead) for name in NAMES}
    nodes |= {one.name: one for one in others}
    return build_snapshot(list(nodes.values()), pending, placed=placed, rtt=line_rtt(NAMES, 1))


def wanted(
    snapshot: ClusterSnapshot, settings: CoverSettings | None = None
) -> dict[str, Resources]:
    return dict(wanted_placeholders(snapshot, settings or CoverSettings()))


def cpu(milli: int) -> Resources:
    return ((CPU, milli),)


def test_each_node_with_a_reserve_has_one_for_its_worst_single_failure() -> None:
    pods = [(backed("p", "c"), "a"), (backed("q", "c"), "a"), (backed("r", "c", 500), "b")]

    assert wanted(world(*pods)) == {"c": cpu(600)}
    assert wanted(world(*pods, (backed("s", "a", 100), "b"))) == {"c": cpu(600), "a": cpu(100)}


def test_without_backups_and_without_cover_there_is_none() -> None:
    assert wanted(world((pod("p"), "a"))) == {}
    assert wanted(world((backed("p", "c"), "a")), NO_COVER) == {}
    assert wanted(build_snapshot([], [])) == {}


def test_what_a_whole_domain_brings_counts_where_domains_fail() -> None:
    zone = {"topology.kubernetes.io/zone": "z"}
    same = tuple(node(name, cpu_milli=1000, labels=zone) for name in "ab")
    snapshot = world((backed("p", "c"), "a"), (backed("q", "c"), "b"), others=same)

    by_domain = msgspec.structs.replace(CoverSettings(), unit="domain")
    assert wanted(snapshot) == {"c": cpu(300)}
    assert wanted(snapshot, by_domain) == {"c": cpu(600)}


@pytest.mark.parametrize(("free", "held"), [(250, {"c": cpu(250)}), (0, {}), (-100, {})])
def test_it_holds_no_more_than_is_free(free: int, held: dict[str, Resources]) -> None:
    snapshot = world((backed("p", "c"), "a"), (pod("other", cpu_milli=1000 - free), "c"))

    assert wanted(snapshot) == held


def test_it_takes_one_pod_slot_and_none_where_none_is_left() -> None:
    many = [(backed(f"p-{k}", "c", 100), "a") for k in range(3)]
    no_cpu = replace(backed("p", "c"), pod_class=PodClass())

    assert wanted(world(*many)) == {"c": cpu(300)}
    assert wanted(world(*many, others=(node("c", cpu_milli=1000, pods=1),))) == {"c": cpu(300)}
    assert wanted(world(*many, others=(node("c", cpu_milli=1000, pods=0),))) == {}
    assert wanted(world((no_cpu, "a"))) == {}, "nothing but a slot is reserved"


def test_extended_resources_are_held_too() -> None:
    requests = resources({CPU: 300, GPU: 1})
    learner = replace(backed("p", "c"), pod_class=PodClass(requests=requests))
    with_gpu = replace(node("c"), allocatable={CPU: 1000, PODS: 110, GPU: 2})

    assert wanted(world((learner, "a"), others=(with_gpu,))) == {"c": requests}
    assert wanted(world((learner, "a"))) == {"c": cpu(300)}, "none is there to be held"


def test_a_dead_node_has_none_and_what_its_pods_were_promised_is_held_until_they_are_back() -> None:
    lost, other = (backed("p", "c"), "a"), (backed("q", "a"), "b")
    successor = replace(backed("p-2", ""), uid="uid-2")
    waiting = world(lost, other, dead="a", pending=(successor,))
    placed = replace(successor, replaces="uid-p")

    assert wanted(world(lost, other, dead="a")) == {"c": cpu(300)}
    assert wanted(waiting) == {"c": cpu(300)}
    assert wanted(world(lost, other, (placed, "c"), dead="a")) == {}


def test_a_failure_changes_nothing_where_it_strikes() -> None:
    pods = [(backed("p", "c", 600), "a"), (backed("q", "c", 400), "b")]

    assert wanted(world(*pods)) == wanted(world(*pods, dead="a")) == {"c": cpu(600)}


def test_a_cordoned_node_has_none() -> None:
    cordoned = node("c", cpu_milli=1000, is_unschedulable=True)

    assert wanted(world((backed("p", "c"), "a"), others=(cordoned,))) == {}


def test_what_is_promised_to_pods_that_are_gone_already_is_held() -> None:
    snapshot = replace(world(), lost=(LostPod(backed("p", "c"), "c"),))

    assert wanted(snapshot) == {"c": cpu(300)}
