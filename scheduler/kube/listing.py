"""What a live cluster holds, listed once: the read-only ground of a plan.

Nothing is written and nothing watched. Kinds are listed one after the other, so they are not of one
instant; within each list they are.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.node import Node
from scheduler.domain.placeholder import is_placeholder
from scheduler.domain.pod_group import PodGroup
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.storage import Storage
from scheduler.domain.stored import storage_of
from scheduler.domain.workload import Pod, Service
from scheduler.domain.zone import ZoneTree
from scheduler.kube.answers import Denied, Expired
from scheduler.kube.client import KubeClient
from scheduler.kube.kinds import GROUP_PATHS, NAMESPACES, STORAGE_PATHS
from scheduler.kube.pages import PAGE_SIZE, pages
from scheduler.objects.node import read_node
from scheduler.objects.pod_group import read_pod_group
from scheduler.objects.pod_reader import PodReader
from scheduler.objects.service import read_service
from scheduler.objects.storage import read_namespace
from scheduler.objects.storage_kinds import READERS
from telemetry.model import RttTable

_NODES = "/api/v1/nodes"
_PODS = "/api/v1/pods"
_SERVICES = "/api/v1/services"
_FINISHED = ("Succeeded", "Failed")
_NOT_FOUND = 404

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ClusterListing:
    """All that decisions rest on in a cluster; of namespaces their labels, by name."""

    nodes: tuple[Node, ...]
    pods: tuple[PodChanged, ...]
    services: tuple[Service, ...]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    groups: tuple[PodGroup, ...] = ()

    def snapshot(
        self,
        scheduler_name: str,
        *,
        rtt: RttTable | None = None,
        zones: ZoneTree | None = None,
        now_s: float = 0.0,
        placeholders_in: str = "",
    ) -> ClusterSnapshot:
        """Return the input of a decision about the pods that wait for `scheduler_name`.

        Bound pods count as load whoever placed them, finished ones not at all. Pods that wait for
        another scheduler, or behind a gate, are held: known, and not decided on.

        Parameters
        ----------
        scheduler_name
            ``spec.schedulerName`` of the pods to decide on.
        rtt, zones
            As known; without them no delay can hold.
        now_s
            The shell's clock.
        placeholders_in
            Namespace of placeholders, which are no load: they hold what is kept free anyway.
        """
        alive = [
            pod
            for pod in self.pods
            if pod.phase not in _FINISHED
            and not is_placeholder(pod.pod, placeholders_in, scheduler_name)
        ]
        waiting = [pod.pod for pod in alive if not pod.node and not pod.is_terminating]
        ours = [p for p in waiting if p.scheduler_name == scheduler_name and not p.is_gated]
        return build_snapshot(
            self.nodes,
            sorted(ours, key=_queue_order),
            placed=[(pod.pod, pod.node) for pod in alive if pod.node],
            terminating=frozenset(pod.pod.key for pod in alive if pod.is_terminating),
            held=[p for p in waiting if p.scheduler_name != scheduler_name or p.is_gated],
            services=self.services,
            groups=self.groups,
            namespaces=self.namespaces,
            storage=self.storage,
            rtt=rtt,
            zones=zones,
            now_s=now_s,
        )


async def list_cluster(client: KubeClient) -> ClusterListing:
    """List a cluster.

    Raises
    ------
    ClusterUnavailable
        If the server does not answer, or not in the form of a list.
    InputError
        If the server refuses, or an object cannot be read. It is not left out: a pod that is not
        counted would be room that is not there.
    """
    nodes = await list_objects(client, _NODES, read_node)
    pods = await list_objects(client, _PODS, PodReader())
    return ClusterListing(
        nodes=nodes,
        pods=pods,
        services=await list_objects(client, _SERVICES, read_service),
        namespaces=dict(await _if_served(client, NAMESPACES, read_namespace)),
        storage=await _list_storage(client),
        groups=await _list_groups(client, pods),
    )


async def _list_storage(client: KubeClient) -> Storage:
    listed = [await _if_served(client, STORAGE_PATHS[kind], read) for kind, read in READERS.items()]
    return storage_of(chain.from_iterable(listed))


async def _list_groups(client: KubeClient, pods: Iterable[PodChanged]) -> tuple[PodGroup, ...]:
    """List the groups of the APIs that pods name: for others nobody needs a right to."""
    apis = {ref.api for one in pods if (ref := one.pod.pod_class.group) is not None}
    listed = [
        await _if_served(client, path, partial(read_pod_group, api=api))
        for api, path in GROUP_PATHS.items()
        if api in apis
    ]
    return tuple(chain.from_iterable(listed))


async def _if_served(client: KubeClient, path: str, read: Callable[[bytes], _T]) -> tuple[_T, ...]:
    """List one kind; of a kind that the server does not serve there is nothing."""
    try:
        return await list_objects(client, path, read)
    except Denied as error:
        if error.status != _NOT_FOUND:
            raise
        return ()


async def list_objects(
    client: KubeClient, path: str, read: Callable[[bytes], _T], *, page_size: int = PAGE_SIZE
) -> tuple[_T, ...]:
    """List one kind, page by page, as of one resourceVersion.

    Parameters
    ----------
    client
        Connected.
    path
        Of the collection, ``/api/v1/pods``.
    read
        From an object's JSON.
    page_size
        Most objects an answer.

    Raises
    ------
    ClusterUnavailable
        If the server does not answer, or not in the form of a list, or forgets the list under way
        twice.
    """
    try:
        return await _pages(client, path, read, page_size)
    except Expired:
        # etcd was compacted between two pages. The list starts over rather than going on from a
        # later version, which would miss what was deleted and created meanwhile.
        return await _pages(client, path, read, page_size)


async def _pages(
    client: KubeClient, path: str, read: Callable[[bytes], _T], page_size: int
) -> tuple[_T, ...]:
    found: list[_T] = []
    async with aclosing(pages(client, path, page_size=page_size)) as listed:
        async for page in listed:
            found.extend(map(read, page.items))
    return tuple(found)


def _queue_order(pod: Pod) -> tuple[int, float, str]:
    """Order pods as the queue does: by priority, then by age."""
    return (-pod.pod_class.priority, pod.created_s, pod.key)
