"""Schedulers with one mistake each: the harness must catch every one of them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

from typing_extensions import override

from scheduler.domain.cluster_events import ClusterEvent, PodDeleted
from scheduler.domain.errors import BindConflict, ClusterUnavailable, EvictionRefused
from scheduler.domain.plan import Plan
from scheduler.domain.ports import Binding, Cluster, PodNote
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.kube.client import KubeClient
from scheduler.kube.cluster import KubeCluster
from scheduler.placement.settings import PlacementSettings
from tests.faults.fault import Fault
from tests.faults.planning import plan
from tests.faults.scene import OURS
from tests.faults.world import Staging, World


class BindsTwice(KubeCluster):
    """Sends each pod to a second node too."""

    @override
    async def bind(self, binding: Binding) -> None:
        await super().bind(binding)
        other = "n0" if binding.node != "n0" else "n1"
        try:
            await super().bind(replace(binding, node=other))
        except BindConflict:
            return


class BelievesErrors(KubeCluster):
    """Takes a binding without an answer for one that was carried out."""

    @override
    async def bind(self, binding: Binding) -> None:
        try:
            await super().bind(binding)
        except ClusterUnavailable:
            return


class BelievesRefusals(KubeCluster):
    """Takes a refused binding for one that was carried out."""

    @override
    async def bind(self, binding: Binding) -> None:
        try:
            await super().bind(binding)
        except BindConflict:
            return


class MissesDeletions(KubeCluster):
    """Does not hear that pods are gone."""

    @override
    async def events(self) -> AsyncGenerator[ClusterEvent, None]:
        async for event in super().events():
            if not isinstance(event, PodDeleted):
                yield event


class SaysNothing(KubeCluster):
    """Tells nobody why a pod waits."""

    @override
    async def note(self, note: PodNote) -> None:
        return


class EvictsAtWill(KubeCluster):
    """Has pods leave for which nothing is wrong."""

    @override
    async def bind(self, binding: Binding) -> None:
        await super().bind(binding)
        with suppress(EvictionRefused, ClusterUnavailable):
            await self.evict(binding.pod)


def plan_without_budgets(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
    """Place pods as if they asked for no delay."""
    asked = {pod.key: pod for pod in snapshot.pending}
    blind = tuple(
        replace(pod, pod_class=replace(pod.pod_class, delays=())) for pod in snapshot.pending
    )
    made = plan(replace(snapshot, pending=blind), settings)
    return replace(
        made,
        assignments=tuple(replace(a, pod=asked[a.pod.key]) for a in made.assignments),
        unplaced=tuple(replace(u, pod=asked[u.pod.key]) for u in made.unplaced),
    )


@dataclass(frozen=True, slots=True)
class Mutated:
    """A fault that a broken scheduler is put through."""

    fault: Fault
    change: Callable[[Staging], Staging]

    @property
    def name(self) -> str:
        """The fault's."""
        return self.fault.name

    @property
    def what(self) -> str:
        """The fault's."""
        return self.fault.what

    def staging(self, rng: Random) -> Staging:
        """Return the fault's, with the mistake in it."""
        return self.change(self.fault.staging(rng))

    async def strike(self, world: World) -> None:
        """Strike as the fault does."""
        await self.fault.strike(world)


def with_cluster(make: type[KubeCluster]) -> Callable[[Staging], Staging]:
    """Return what puts another cluster in place."""

    def made(client: KubeClient) -> Cluster:
        return make(client, OURS)

    return lambda staging: replace(staging, cluster=made)


def without_budgets(staging: Staging) -> Staging:
    """Put a core in place that knows no budgets."""
    return replace(staging, plan=plan_without_budgets)
