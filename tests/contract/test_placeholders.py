"""Placeholders over the port `Cluster`, alike on all three doors."""

import pytest

from scheduler.domain.cluster_events import ClusterEvent, PodChanged, PodDeleted
from scheduler.domain.errors import PlaceholderRefused
from scheduler.domain.placeholder import Placeholder, is_placeholder, placeholder_name
from scheduler.domain.workload import Pod, PodClass
from tests.contract.doors import Scene
from tests.real.objects import OURS, node

REQUESTS = (("cpu", 1500), ("example.com/gpu", 1), ("memory", 64 << 20))


def placeholder(scene: Scene) -> Placeholder:
    name = placeholder_name("n-1")
    return Placeholder(scene.door.namespace, name, "n-1", REQUESTS, "none", "", OURS)


async def created(scene: Scene) -> PodChanged:
    """Create a node and a placeholder on it; return what the port told of the latter."""
    scene.door.create(node("n-1", labels={}))
    await scene.cluster.create_placeholder(placeholder(scene))
    return await scene.pod(placeholder_name("n-1"))


def is_gone(pod: Pod, told: list[ClusterEvent]) -> bool:
    return PodDeleted(pod.key, pod.uid) in told


async def test_it_is_told_as_a_pod_on_its_node_and_known_as_what_it_is(scene: Scene) -> None:
    told = await created(scene)

    assert told.node == "n-1"
    assert told.pod.pod_class.requests == REQUESTS
    assert is_placeholder(told.pod, scene.door.namespace, OURS)
    assert not is_placeholder(told.pod, "elsewhere", OURS)
    assert not is_placeholder(told.pod, scene.door.namespace, "default-scheduler")
    spec = scene.door.get("Pod", told.pod.name)["spec"]
    assert (spec["nodeName"], spec["terminationGracePeriodSeconds"]) == ("n-1", 0)


async def test_deleted_it_is_gone_at_once_and_deleting_it_again_does_nothing(scene: Scene) -> None:
    pod = (await created(scene)).pod

    await scene.cluster.delete_placeholder(pod)
    await scene.until(lambda told: is_gone(pod, told))
    await scene.cluster.delete_placeholder(pod)


async def test_a_second_one_on_a_node_is_refused(scene: Scene) -> None:
    await created(scene)

    with pytest.raises(PlaceholderRefused, match="already exists"):
        await scene.cluster.create_placeholder(placeholder(scene))


async def test_a_later_one_of_that_name_is_deleted_only_where_no_uid_is_given(scene: Scene) -> None:
    old = (await created(scene)).pod
    await scene.cluster.delete_placeholder(old)
    await scene.until(lambda told: is_gone(old, told))
    await scene.cluster.create_placeholder(placeholder(scene))

    with pytest.raises(PlaceholderRefused):
        await scene.cluster.delete_placeholder(old)
    assert scene.door.get("Pod", old.name)["metadata"]["uid"] != old.uid
    said = len(scene.told)
    await scene.cluster.delete_placeholder(Pod(old.name, PodClass(namespace=old.namespace)))
    await scene.until(lambda told: any(isinstance(e, PodDeleted) for e in told), said)
