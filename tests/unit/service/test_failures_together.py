"""Several nodes fail at once: each pod with a backup goes there, whoever may be cut off."""

from dataclasses import replace
from functools import partial
from itertools import combinations

import pytest

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.cover import REPLACES_ANNOTATION, FailureUnit
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, UNREACHABLE_TAINT, Node, Taint
from scheduler.domain.workload import Pod
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.failover.settings import FailoverSettings
from scheduler.service.settings import SchedulerConfiguration
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness

pytestmark = pytest.mark.looptime

NODE_CPU = 2_000
LIVING = "m1"
"""A node that all delays are measured from and that never fails."""

SITES = {"a": 2, "b": 2, "c": 2, "m": 1}
NAMES = [f"{site}{k}" for site, count in SITES.items() for k in range(1, count + 1)]


def site_node(name: str, **spec: object) -> Node:
    labels = {FAILURE_DOMAIN_LABEL: f"site-{name[0]}", "kubernetes.io/hostname": name}
    return replace(node(name, cpu_milli=NODE_CPU, labels=labels), **spec)  # type: ignore[arg-type]


def dead(name: str) -> Node:
    lost = (Taint(UNREACHABLE_TAINT), Taint(UNREACHABLE_TAINT, effect="NoExecute"))
    return site_node(name, is_ready=False, taints=lost)


def near(name: str, owner: str) -> Pod:
    """Return a pod that may run on any node of any site."""
    return pod(name, cpu_milli=500, delays=(within(20, LIVING),), workload=workload(owner))


def covering(unit: FailureUnit) -> Harness:
    cover = CoverSettings(unit=unit)
    failover = FailoverSettings(force_delete="delete")
    settings = SchedulerConfiguration(cover=cover, failover=failover)
    harness = Harness(partial(plan, covering=cover), settings)
    harness.rtt.put(line_rtt(NAMES, 1))
    for name in NAMES:
        harness.put_node(site_node(name))
    return harness


async def placed(harness: Harness) -> dict[str, str]:
    """Have a pod run on each node that may fail; return the backups they are given, by name."""
    for name in NAMES:
        if name != LIVING:
            harness.put_pod(near(f"old-{name}", f"w-{name}"), node=name, phase="Running")
    await harness.settle(3)
    chosen = {key.partition("/")[2]: on for key, on in harness.cluster.backups.items()}
    assert len(chosen) == len(NAMES) - 1
    return chosen


async def failed(harness: Harness, names: list[str]) -> list[str]:
    """Fail nodes at once and have their pods evicted and replaced; return the lost pods."""
    lost = [name for name, on in harness.placement.items() if on in names]
    for name in names:
        harness.put_node(dead(name))
    for name in lost:
        known = harness.cluster.pods[f"default/{name}"]
        ending = PodChanged(known.pod, known.node, "Running", is_terminating=True)
        harness.cluster.pods[known.pod.key] = ending
        harness.cluster.emit(ending)
        owner = known.pod.pod_class.workload
        assert owner is not None
        harness.put_pod(near(f"new-{name}", owner.name))
    await harness.settle(3)
    return lost


def uid(harness: Harness, name: str) -> str:
    return harness.cluster.pods[f"default/{name}"].pod.uid


def taken(harness: Harness, name: str) -> tuple[str, str]:
    """Return where the replacement of a pod went, and whom it replaces."""
    [binding] = [b for b in harness.cluster.bindings if b.pod.name == f"new-{name}"]
    return binding.node, dict(binding.annotations).get(REPLACES_ANNOTATION, "")


PAIRS = list(combinations([n for n in NAMES if n != LIVING], 2))


@pytest.mark.parametrize("hosts", PAIRS, ids=" ".join)
async def test_of_two_nodes_that_fail_at_once_each_pod_with_a_backup_goes_there(
    hosts: tuple[str, str],
) -> None:
    async with covering("node") as harness:
        backups = await placed(harness)
        lost = await failed(harness, list(hosts))

        assert lost == [f"old-{name}" for name in hosts]
        for name in lost:
            if backups[name] not in hosts:
                assert taken(harness, name) == (backups[name], uid(harness, name))
            assert harness.placement[f"new-{name}"] not in hosts


@pytest.mark.parametrize("site", ["a", "b", "c"])
async def test_of_a_site_that_fails_each_pod_goes_to_its_backup_in_another(site: str) -> None:
    async with covering("domain") as harness:
        backups = await placed(harness)
        lost = await failed(harness, [f"{site}1", f"{site}2"])

        assert lost == [f"old-{site}1", f"old-{site}2"]
        for name in lost:
            assert backups[name][0] != site
            assert taken(harness, name) == (backups[name], uid(harness, name))
        assert not harness.state.beliefs.is_suspect


async def test_where_most_nodes_are_cut_off_pods_are_replaced_and_none_is_removed_by_force() -> (
    None
):
    async with covering("node") as harness:
        await placed(harness)
        gone = [name for name in NAMES if name[0] in "ab"]
        lost = await failed(harness, gone)
        await harness.settle(600)

        assert harness.state.beliefs.is_suspect
        assert harness.cluster.writes == []
        assert len(lost) == len(gone)
        assert {f"default/{name}" for name in lost} <= set(harness.cluster.pods)
        homes = {harness.placement[f"new-{name}"] for name in lost}
        assert homes <= set(NAMES) - set(gone)
        said = [line.text for line in harness.state.journal.since()]
        assert any("4 of 7 nodes vanished at once" in text for text in said)
