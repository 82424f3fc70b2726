"""Pod groups on a real API server: told when they come, when they change, and when they go."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from scheduler.objects.pod import read_pod
from scheduler.service.cache import Cache
from tests.needed import need
from tests.real import programs
from tests.real.api import Object, Refused
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.objects import OURS, pod
from tests.real.pod_groups import COSCHEDULING

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

NATIVE = "/apis/scheduling.k8s.io/v1alpha2"
_WAIT_S = 60.0


@pytest.fixture
def native(tmp_path: Path) -> Iterator[ControlPlane]:
    """Run an API server of its own that serves Kubernetes' own PodGroups, which are alpha."""
    need(programs.missing())
    flags = (
        "--feature-gates=GenericWorkload=true,GangScheduling=true",
        "--runtime-config=scheduling.k8s.io/v1alpha2=true",
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    )
    with ControlPlane(tmp_path, controllers=False, api_server_flags=flags) as running:
        yield running


@dataclass
class Followed:
    """A cache that follows a cluster."""

    cache: Cache = field(default_factory=Cache)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, cluster: KubeCluster) -> None:
        """Take in what a cluster tells, until cancelled."""
        self.cache.begin_listing()
        async for event in cluster.events():
            self.cache.apply(event)
            self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what is known."""
        async with asyncio.timeout(_WAIT_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def group(self, ref: GroupRef) -> PodGroup | None:
        """Return a group as decisions see it, or None."""
        return self.cache.freeze((), 0.0).groups.get(ref)

    async def told(self, ref: GroupRef, least: int) -> PodGroup:
        """Return a group once it wants so many members."""
        await self.until(lambda: (one := self.group(ref)) is not None and one.min_member == least)
        return self.cache.freeze((), 0.0).groups[ref]


@asynccontextmanager
async def followed(kubeconfig: Path) -> AsyncIterator[Followed]:
    """Follow a cluster while inside."""
    one = Followed()
    async with connected(kubeconfig) as client:
        following = asyncio.create_task(one.follow(KubeCluster(client, OURS)))
        try:
            await one.until(lambda: one.cache.is_synced)
            yield one
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def group(name: str, api_version: str, spec: Object, **annotations: str) -> Object:
    head = {"apiVersion": api_version, "kind": "PodGroup"}
    return {**head, "metadata": {"name": name, "annotations": annotations}, "spec": spec}


@pytest.mark.usefixtures("definition")
async def test_a_group_of_coscheduling_is_followed_by_the_shipped_rights(
    cluster: Cluster, kubeconfig: Path
) -> None:
    folder = f"{COSCHEDULING}/namespaces/{cluster.namespace}/podgroups"
    ref = GroupRef(GroupApi.COSCHEDULING, cluster.namespace, "train")
    spec = {"minMember": 3, "minResources": {"cpu": "6"}, "scheduleTimeoutSeconds": None}
    marks = {"isochrone.dev/within": "25ms"}
    async with followed(kubeconfig) as seen:
        assert seen.cache.unlisted == {}

        cluster.api.create(folder, group("train", "scheduling.x-k8s.io/v1alpha1", spec, **marks))
        found = await seen.told(ref, 3)
        cluster.api.patch(f"{folder}/train", {"spec": {"minMember": 4}})
        await seen.told(ref, 4)
        cluster.api.delete(f"{folder}/train")
        await seen.until(lambda: seen.group(ref) is None)

    assert (found.min_resources, found.timeout_s) == ((("cpu", 6000),), None)
    assert (found.within_us, found.faults) == (25_000, ())
    assert found.uid
    assert found.created_s > 0


@pytest.mark.usefixtures("definition")
def test_the_definition_refuses_a_group_of_nobody(cluster: Cluster) -> None:
    folder = f"{COSCHEDULING}/namespaces/{cluster.namespace}/podgroups"
    empty = group("none", "scheduling.x-k8s.io/v1alpha1", {"minMember": 0})

    with pytest.raises(Refused, match="should be greater than or equal to 1"):
        cluster.api.create(folder, empty)


async def test_where_no_groups_are_served_nothing_is_missed(
    cluster: Cluster, kubeconfig: Path
) -> None:
    assert not cluster.api.is_there(f"{COSCHEDULING}/podgroups")
    async with followed(kubeconfig) as seen:
        assert (seen.cache.unlisted, dict(seen.cache.freeze((), 0.0).groups)) == ({}, {})


async def test_kubernetes_own_groups_are_followed_and_named_in_a_pods_spec(
    native: ControlPlane,
) -> None:
    folder = f"{NATIVE}/namespaces/default/podgroups"
    ref = GroupRef(GroupApi.NATIVE, "default", "train")
    spec = {"schedulingPolicy": {"gang": {"minCount": 3}}}
    async with followed(native.kubeconfig("scheduler")) as seen:
        native.admin.create(folder, group("train", "scheduling.k8s.io/v1alpha2", spec))
        found = await seen.told(ref, 3)
        made = pod("member")
        made["spec"]["schedulingGroup"] = {"podGroupName": "train"}
        member = read_pod(native.admin.create("/api/v1/namespaces/default/pods", made))
        native.admin.delete("/api/v1/namespaces/default/pods/member", gracePeriodSeconds="0")
        native.admin.delete(f"{folder}/train")
        if native.admin.is_there(f"{folder}/train"):  # a controller's finalizer keeps it
            native.admin.patch(f"{folder}/train", {"metadata": {"finalizers": None}})
        await seen.until(lambda: seen.group(ref) is None)

    assert (found.faults, found.priority) == ((), None)
    assert member.pod_class.group == ref
    assert member.pod_class.unsupported == ()
