"""Kinds that may not be listed: who waits for that, and who goes on."""

import pytest

from scheduler.domain.between import PodTerm
from scheduler.domain.cluster_events import Unlisted
from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.domain.selector import LabelSelector
from scheduler.domain.workload import Pod, PodClass
from scheduler.service.unlisted import said, undecidable
from tests.builders import node, pod
from tests.harness import Harness
from tests.stored import claiming, fit_with_volumes
from tests.unit.service.first_fit import first_fit

BY_LABELS = PodTerm("zone", LabelSelector(), ("default",), LabelSelector())
BY_NAME = PodTerm("zone", LabelSelector(), ("default",))
CLAIMS = {"persistentvolumeclaims": "forbidden"}
NAMESPACES = {"namespaces": "forbidden"}


def test_where_all_can_be_listed_all_can_be_decided_on() -> None:
    pods = [claiming("p", "data"), pod("q", pod_affinity=(BY_LABELS,))]

    assert undecidable(pods, (PodClass(pod_anti_affinity=(BY_LABELS,)),), {}) == {}


def test_without_storage_pods_with_claims_wait_and_no_others() -> None:
    found = undecidable([claiming("p", "data"), pod("q")], (), CLAIMS)

    assert found == {"default/p": said("persistentvolumeclaims", "forbidden")}


@pytest.mark.parametrize(
    ("asking", "plain"),
    [
        (pod("p", pod_affinity=(BY_LABELS,)), pod("q", pod_affinity=(BY_NAME,))),
        (pod("p", pod_anti_affinity=(BY_LABELS,)), pod("q", pod_anti_affinity=(BY_NAME,))),
    ],
    ids=["affinity", "anti-affinity"],
)
def test_without_namespaces_pods_wait_whose_rules_ask_for_their_labels(
    asking: Pod, plain: Pod
) -> None:
    found = undecidable([asking, plain, claiming("r", "data")], (), NAMESPACES)

    assert set(found) == {"default/p"}


def test_without_namespaces_all_wait_where_a_placed_pod_keeps_others_away_by_their_labels() -> None:
    placed = (PodClass(pod_anti_affinity=(BY_LABELS,)), PodClass())

    assert set(undecidable([pod("p")], placed, NAMESPACES)) == {"default/p"}
    assert undecidable([pod("p")], (PodClass(pod_affinity=(BY_LABELS,)),), NAMESPACES) == {}


def test_without_pod_groups_of_an_api_pods_wait_that_name_one_of_it_and_no_others() -> None:
    train = pod("p", group=GroupRef(GroupApi.VOLCANO, "default", "train"))
    other = pod("q", group=GroupRef(GroupApi.COSCHEDULING, "default", "train"))
    groups = "podgroups.scheduling.volcano.sh"

    found = undecidable([train, other, pod("r"), claiming("s", "d")], (), {groups: "forbidden"})

    assert found == {"default/p": said(groups, "forbidden")}


@pytest.mark.looptime
async def test_a_pod_that_cannot_be_decided_on_says_so_and_the_others_are_placed() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.cluster.emit(Unlisted("persistentvolumeclaims", "403, no right"))
        harness.put_node(node("a"))
        harness.put_pod(pod("plain"))
        harness.put_pod(claiming("p", "data"))
        await harness.settle(5)
        assert harness.placement == {"plain": "a"}
        [note] = [n for n in harness.cluster.notes if n.reason == "FailedScheduling"]
        assert note.message == said("persistentvolumeclaims", "403, no right")
        assert any("cannot be listed" in row.text for row in harness.state.journal.since())


@pytest.mark.looptime
async def test_what_can_be_listed_again_is_decided_on() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.emit(Unlisted("csinodes", "403"))
        harness.put_node(node("a"))
        harness.put_pod(claiming("p", "data"))
        await harness.settle(5)
        assert harness.placement == {}

        harness.cluster.emit(Unlisted("csinodes", ""))
        await harness.settle(15)

        assert harness.placement == {"p": "a"}
