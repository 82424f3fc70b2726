"""What a pod uses that is not implemented: it waits and says so, and is never placed regardless.

Inter-pod affinity is refused in its preferred form too. A topology spread of ``ScheduleAnyway`` is
a wish that the spreading of replicas grants as far as it can, so such a pod is placed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scheduler.objects.decoding import Wire, shorten
from scheduler.objects.nodeterms import NUMERIC_OPERATORS, WrittenToleration
from scheduler.objects.requests import Container

GROUP_LABELS = (
    "scheduling.x-k8s.io/pod-group",
    "pod-group.scheduling.sigs.k8s.io",
    "pod-group.scheduling.sigs.k8s.io/name",
)
"""Labels by which pods are put in a PodGroup."""

PLACELESS_VOLUMES = frozenset(
    {
        "emptyDir", "configMap", "secret", "projected", "downwardAPI", "hostPath", "nfs", "image",
        "csi", "gitRepo", "cephfs", "glusterfs", "azureFile", "flocker", "flexVolume",
    }
)  # fmt: skip
"""Volumes that no filter of kube-scheduler looks at. An inline ``csi`` volume is ephemeral."""


class SpreadConstraint(Wire, frozen=True):
    """One ``topologySpreadConstraints`` entry."""

    when_unsatisfiable: str | None = None
    topology_key: str | None = None


class FeatureSpec(Wire, frozen=True):
    """The parts of a pod's spec that ask for what is not implemented."""

    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None
    spread: tuple[SpreadConstraint, ...] = ()
    volumes: tuple[dict[str, Any], ...] = ()
    resource_claims: tuple[Any, ...] = ()
    scheduling_group: Any = None
    workload_ref: Any = None
    host_network: bool = False
    containers: tuple[Container, ...] = ()
    tolerations: tuple[WrittenToleration, ...] = ()


def unsupported_features(spec: FeatureSpec, labels: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return the features of a pod that are not implemented, readable, sorted and each once."""
    found = [*_between_pods(spec), *_attached(spec), *_grouped(spec, labels or {})]
    found.extend(
        f"toleration operator {one.operator}"
        for one in spec.tolerations
        if one.operator in NUMERIC_OPERATORS
    )
    return tuple(sorted(set(found)))


def _between_pods(spec: FeatureSpec) -> Iterator[str]:
    if any((spec.pod_affinity or {}).values()):
        yield "pod affinity"
    if any((spec.pod_anti_affinity or {}).values()):
        yield "pod anti-affinity"
    for one in spec.spread:
        if one.when_unsatisfiable != "ScheduleAnyway":
            yield f"topology spread over {shorten(one.topology_key)} (DoNotSchedule)"


def _attached(spec: FeatureSpec) -> Iterator[str]:
    for container in spec.containers:
        for port in container.ports or ():
            number = port.get("hostPort") or (spec.host_network and port.get("containerPort"))
            if number:
                yield f"host port {shorten(number)}"
    for volume in spec.volumes:
        for source in sorted(set(volume) - {"name"} - PLACELESS_VOLUMES):
            if volume[source] is not None:
                yield f"volume {shorten(volume.get('name'))} ({shorten(source)})"
    if spec.resource_claims:
        yield "resource claims"


def _grouped(spec: FeatureSpec, labels: Mapping[str, object]) -> Iterator[str]:
    for label in GROUP_LABELS:
        if label in labels:
            yield f"pod group (label {label})"
    if spec.scheduling_group:
        yield "scheduling group"
    if spec.workload_ref:
        yield "workload reference"
