"""What of a pod makes its class: all that scheduling can tell pods apart by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduler.domain.workload import PodClass
from scheduler.objects.containers import needed_features, read_host_ports, read_images
from scheduler.objects.decoding import Wire
from scheduler.objects.delays import read_delays
from scheduler.objects.features import FeatureSpec, unsupported_features
from scheduler.objects.group_ref import read_group_ref
from scheduler.objects.metadata import (
    Metadata,
    identity_labels,
    namespace_of,
    read_text_map,
    shown_labels,
    sorted_pairs,
    workload_of,
)
from scheduler.objects.nodeterms import (
    NodeAffinity,
    WrittenToleration,
    read_preferred,
    read_required,
    read_tolerations,
)
from scheduler.objects.podterms import (
    PodAffinity,
    PodsView,
    WrittenSpread,
    read_pod_terms,
    read_spread,
)
from scheduler.objects.requests import Given, PodDemands, read_requests

_SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


class Affinity(Wire, frozen=True):
    """``spec.affinity``."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class PodSpec(PodDemands, frozen=True):
    """The fields of ``spec`` that scheduling depends on."""

    node_selector: dict[str, Any] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[WrittenToleration, ...] | None = None
    node_name: str | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    scheduler_name: str | None = None
    scheduling_gates: tuple[Any, ...] | None = None
    topology_spread_constraints: tuple[WrittenSpread, ...] | None = None
    volumes: tuple[dict[str, Any], ...] | None = None
    resource_claims: tuple[Any, ...] | None = None
    scheduling_group: Any = None
    workload_ref: Any = None
    host_network: bool | None = None
    host_users: bool | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What of a pod makes its class; `where` names it in errors.

    `is_served` says that an API server has been at it: it has merged label keys into selectors,
    and a pod that runs has a `given`.
    """

    where: str
    metadata: Metadata
    spec: PodSpec
    given: Given | None = None
    is_served: bool = False


ClassOf = Callable[[Read], PodClass]


def pod_class_of(read: Read) -> PodClass:
    """Return the class of a pod, wherever it is.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    where, metadata, spec = read.where, read.metadata, read.spec
    namespace = namespace_of(metadata)
    delays, faults = read_delays(metadata.labels, metadata.annotations, namespace)
    labels = read_text_map(where, "metadata.labels", shown_labels(metadata))
    node_affinity = spec.affinity.node_affinity if spec.affinity else None
    selector = read_text_map(where, "spec.nodeSelector", spec.node_selector)
    view = PodsView(
        where, namespace, labels | dict(identity_labels(metadata)), merges_keys=not read.is_served
    )
    near, away, wished = read_pod_terms(view, spec.affinity)
    containers, init_containers = spec.containers or (), spec.init_containers or ()
    group, unclear = read_group_ref(metadata, spec.scheduling_group)
    return PodClass(
        namespace=namespace,
        workload=workload_of(metadata),
        labels=sorted_pairs(labels),
        requests=read_requests(where, spec, read.given),
        delays=delays,
        faults=faults,
        node_selector=sorted_pairs(selector),
        required_nodes=read_required(where, node_affinity),
        preferred_nodes=read_preferred(where, node_affinity),
        tolerations=read_tolerations(where, spec.tolerations),
        priority=_priority(spec),
        pod_affinity=near,
        pod_anti_affinity=away,
        preferred_pods=wished,
        spread=read_spread(view, spec.topology_spread_constraints),
        host_ports=read_host_ports(
            where, containers, init_containers, is_host_network=bool(spec.host_network)
        ),
        images=read_images((*init_containers, *containers)),
        features=needed_features(
            (*init_containers, *containers),
            is_host_network=bool(spec.host_network),
            is_host_user=spec.host_users is not False,
        ),
        group=group,
        unsupported=(*unsupported_features(_features(spec)), *unclear),
    )


def _priority(spec: PodSpec) -> int:
    """Return the priority; a server has filled it in, a manifest may only name a system class."""
    if spec.priority is not None:
        return spec.priority
    return _SYSTEM_PRIORITIES.get(spec.priority_class_name or "", 0)


def _features(spec: PodSpec) -> FeatureSpec:
    return FeatureSpec(
        volumes=spec.volumes or (),
        resource_claims=spec.resource_claims or (),
        workload_ref=spec.workload_ref,
    )
