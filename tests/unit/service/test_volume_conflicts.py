"""Volumes before the binding where others write too, answers are lost, and pods share a claim."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from typing_extensions import override

from scheduler.domain.cluster_events import ClusterEvent
from scheduler.domain.errors import ClusterUnavailable, VolumeRefused
from scheduler.domain.object_events import StorageChanged, StorageDeleted
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.settings import PlacementSettings
from tests.builders import node
from tests.harness import Harness
from tests.memory import MemoryCluster, MemoryLeadership
from tests.stored import claim, claiming, fit_with_volumes, reference_to, volume
from tests.unit.service.storing import FAILED, KEY, failures, provision, waiting

pytestmark = pytest.mark.looptime


async def test_who_does_not_lead_writes_to_no_claim() -> None:
    leadership = MemoryLeadership()
    async with Harness(fit_with_volumes, leadership=leadership) as harness:
        leadership.elect()
        await harness.settle(1)
        harness.cluster.bind_s = 0.0
        harness.put_node(node("a"))
        harness.cluster.put_claim(claim("data"))

        def depose_meanwhile() -> None:
            leadership.depose()

        harness.meanwhile = depose_meanwhile
        harness.put_pod(claiming("p", "data"))
        await harness.settle(5)

        assert harness.cluster.writes == []
        assert harness.cluster.claims[KEY].selected_node is None


async def test_a_volume_that_changed_meanwhile_is_not_taken_and_the_pod_says_why() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.cluster.put_volume(volume("disk"))

        def theirs(_key: str) -> None:
            harness.cluster.before_write = lambda _: None
            taken = reference_to(claim("theirs"))
            harness.cluster.put_volume(replace(harness.cluster.volumes["disk"], claim=taken))

        harness.cluster.before_write = theirs
        await waiting(harness)

        assert failures(harness) == [f'{FAILED}persistentvolumes "disk" has been modified']
        await harness.settle(1)
        assert harness.cluster.volumes["disk"].claim == reference_to(claim("theirs"))
        assert harness.cluster.claims[KEY].selected_node == "a"


async def test_a_volume_that_was_refused_is_free_for_others() -> None:
    async with Harness(fit_with_volumes) as harness:

        def refuse(_key: str) -> None:
            raise VolumeRefused("not allowed")

        harness.cluster.before_write = refuse
        harness.cluster.put_volume(volume("disk"))
        await waiting(harness)

        assert failures(harness) == [f"{FAILED}not allowed"]
        assert harness.state.cache.storage.freeze().volumes["disk"].claim is None


async def test_a_write_whose_answer_was_lost_is_not_repeated_where_it_was_carried_out() -> None:
    async with Harness(fit_with_volumes) as harness:
        lost = ["once"]

        def lose(_key: str) -> None:
            if lost:
                raise ClusterUnavailable(lost.pop())

        harness.cluster.after_write = lose
        await waiting(harness)
        assert failures(harness) == [f"{FAILED}once"]
        await harness.settle(2)
        provision(harness)
        await harness.settle(0.1)

        assert harness.cluster.writes == [KEY]
        assert harness.placement == {"p": "a"}


async def test_a_claim_of_two_pods_is_written_once_and_both_are_bound() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.put_node(node("a"))
        harness.cluster.put_claim(claim("data"))
        for name in ("p", "q"):
            harness.put_pod(claiming(name, "data"))
        await harness.settle()
        provision(harness)
        await harness.settle(0.1)

        assert harness.cluster.writes == [KEY]
        assert harness.placement == {"p": "a", "q": "a"}


@dataclass
class LateNews(MemoryCluster):
    """Tells of claims ten seconds after they were written."""

    @override
    def emit(self, event: ClusterEvent | Exception) -> None:
        tell = super().emit
        if isinstance(event, StorageChanged) and self.writes:
            asyncio.get_running_loop().call_later(10.0, tell, event)
        else:
            tell(event)


async def test_a_claim_of_two_pods_is_written_once_though_its_news_is_late() -> None:
    async with Harness(fit_with_volumes, cluster=LateNews()) as harness:
        await waiting(harness)
        harness.put_pod(claiming("q", "data"))
        await harness.settle(5)
        provision(harness)
        await harness.settle(20)

        assert harness.cluster.writes == [KEY]
        assert harness.placement == {"p": "a", "q": "a"}
        assert failures(harness) == []


async def test_a_volume_that_was_chosen_is_not_chosen_again_while_it_is_being_written() -> None:
    seen: list[dict[str, bool]] = []

    def decide(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
        seen.append({v.name: v.claim is not None for v in snapshot.storage.volumes.values()})
        return fit_with_volumes(snapshot, settings)

    async with Harness(decide) as harness:
        harness.cluster.bind_s = 10.0
        for name in ("d1", "d2"):
            harness.cluster.put_volume(volume(name))
        await waiting(harness)
        harness.cluster.put_claim(claim("more"))
        harness.put_pod(claiming("q", "more"))
        await harness.settle(30)

        assert seen[:2] == [{"d1": False, "d2": False}, {"d1": True, "d2": False}]
        taken = {v.name: v.claim.name for v in harness.cluster.volumes.values() if v.claim}
        assert taken == {"d1": "data", "d2": "more"}


async def test_a_claim_that_went_while_it_was_decided_on_is_not_written() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.put_node(node("a"))
        harness.cluster.put_claim(claim("data"))

        def delete() -> None:
            changed = replace(harness.cluster.claims[KEY], is_terminating=True)
            harness.cluster.put_claim(changed)

        harness.meanwhile = delete
        harness.put_pod(claiming("p", "data"))
        await harness.settle(0.5)

        assert harness.cluster.writes == []


async def test_a_claim_that_is_deleted_while_it_is_bound_has_the_pod_decided_on_anew() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        del harness.cluster.claims[KEY]
        harness.cluster.emit(StorageDeleted("PersistentVolumeClaim", KEY))
        await harness.settle(0.1)

        why = f'failed to check provisioning pvc: persistentvolumeclaims "{KEY}" not found'
        assert failures(harness)[:1] == [f"{FAILED}binding volumes: {why}"]


async def test_after_a_restart_a_claim_keeps_its_pod_to_the_node_it_has() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.put_node(node("b"))
        harness.cluster.put_claim(claim("data", selected_node="a"))
        await waiting(harness)
        provision(harness)
        await harness.settle(0.1)

        assert harness.cluster.writes == []
        assert harness.placement == {"p": "a"}
