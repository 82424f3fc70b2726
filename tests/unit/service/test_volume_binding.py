"""Volumes before the binding, over a cluster in memory: what is written, awaited, given back."""

import pytest

from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.volume_settings import VolumeSettings
from tests.builders import node, pod
from tests.harness import Harness
from tests.stored import bound_to, claim, claiming, fit_with_volumes, reference_to, volume
from tests.unit.service.storing import FAILED, KEY, failures, give_up, provision, waiting

pytestmark = pytest.mark.looptime


async def test_a_claim_is_provisioned_for_the_node_and_then_its_pod_is_bound() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        assert harness.cluster.claims[KEY].selected_node == "a"
        assert harness.placement == {}

        await harness.settle(100)
        provision(harness)
        await harness.settle(0.1)

        assert harness.placement == {"p": "a"}
        assert failures(harness) == []


async def test_a_volume_is_reserved_for_its_claim_and_then_its_pod_is_bound() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.cluster.put_volume(volume("disk"))
        await waiting(harness)
        assert harness.cluster.volumes["disk"].claim == reference_to(harness.cluster.claims[KEY])
        assert harness.placement == {}

        harness.cluster.put_claim(bound_to(harness.cluster.claims[KEY], "disk"))
        await harness.settle(0.1)

        assert harness.placement == {"p": "a"}


async def test_a_pod_whose_claims_are_bound_is_bound_at_once() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.cluster.put_claim(bound_to(claim("data"), "disk"))
        await waiting(harness)

        assert harness.placement == {"p": "a"}
        assert harness.cluster.writes == []


async def test_the_room_of_a_pod_whose_volumes_are_being_bound_is_held() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness, cpu_milli=800)
        harness.put_pod(pod("other", cpu_milli=800))
        await harness.settle(60)

        assert harness.placement == {}


async def test_many_pods_that_wait_for_volumes_hold_up_nobody() -> None:
    async with Harness(fit_with_volumes) as harness:
        harness.put_node(node("a", cpu_milli=100_000, pods=1_000))
        for number in range(200):
            harness.cluster.put_claim(claim(f"c{number}"))
            harness.put_pod(claiming(f"p{number}", f"c{number}"))
        await harness.settle(1)
        assert len(harness.cluster.writes) == 200

        harness.put_pod(pod("plain"))
        await harness.settle(0.2)

        assert harness.placement == {"plain": "a"}


async def test_a_provisioner_that_gives_up_has_the_pod_decided_on_anew() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        give_up(harness)
        await harness.settle(0.5)
        said = f'{FAILED}binding volumes: provisioning failed for PVC "data"'
        assert failures(harness) == [said]
        assert harness.cluster.notes[-1].condition == "SchedulerError"
        assert harness.cluster.claims[KEY].selected_node is None

        await harness.settle(1)
        assert harness.cluster.claims[KEY].selected_node == "a"
        provision(harness)
        await harness.settle(0.1)

        assert harness.placement == {"p": "a"}


async def test_a_node_is_given_back_where_volumes_are_not_bound_in_time() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness, cpu_milli=800)
        harness.put_pod(pod("other", cpu_milli=800))
        await harness.settle(595)
        assert failures(harness) == ["0/1 nodes are available: 1 Insufficient cpu."]

        await harness.settle(20)

        assert f"{FAILED}binding volumes: context deadline exceeded" in failures(harness)
        assert harness.placement == {"other": "a"}


async def test_how_long_volumes_may_take_is_a_setting() -> None:
    settings = SchedulerConfiguration(volumes=VolumeSettings(bind_timeout_seconds=30))
    async with Harness(fit_with_volumes, settings) as harness:
        await waiting(harness)
        await harness.settle(29)
        assert failures(harness) == []

        await harness.settle(2)

        assert failures(harness) == [f"{FAILED}binding volumes: context deadline exceeded"]


async def test_a_pod_that_is_deleted_gives_its_room_back_at_once() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness, cpu_milli=800)
        harness.delete_pod("default/p")
        harness.put_pod(pod("other", cpu_milli=800))
        await harness.settle(1)

        assert harness.placement == {"other": "a"}
        assert failures(harness) == []


async def test_a_pod_whose_node_is_deleted_is_placed_elsewhere_once_its_claim_may_be() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        harness.delete_node("a")
        harness.put_node(node("b"))
        give_up(harness)
        await harness.settle(5)
        assert harness.cluster.claims[KEY].selected_node == "b"
        provision(harness)
        await harness.settle(0.1)

        assert harness.placement == {"p": "b"}


async def test_the_service_ends_although_volumes_are_being_bound() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        now_s = harness.state.clock.now_s
        before_s = now_s()
        harness.runtime.stop()
        await harness.runtime.binder.drain()
        await harness.settle(0.1)

        assert harness.placement == {}
        assert harness.state.cache.pods.is_pending(harness.cluster.pods["default/p"].pod)
        assert now_s() - before_s < 1


async def test_how_it_went_is_counted() -> None:
    async with Harness(fit_with_volumes) as harness:
        await waiting(harness)
        give_up(harness)
        await harness.settle(2)
        provision(harness)
        await harness.settle(0.1)
        counted = harness.state.metrics.render().decode()

    for result in ("bound", "failed"):
        assert f'isochrone_volume_bindings_total{{result="{result}"}} 1.0' in counted
