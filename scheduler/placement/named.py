"""Pods that a delay names are told apart from their fellows.

Pods of one class are one supply, and which of them goes where is nobody's concern, unless a delay
refers to one of them by its name: that pod is a class of its own for the decision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass

MARK = "isochrone.dev/named"

PodId = tuple[str, str]
"""Namespace and name."""


def named_pods(snapshot: ClusterSnapshot) -> Mapping[PodId, PodClass]:
    """Return the class of its own of each pending pod that a pending pod's delay may name."""
    classes = {id(pod.pod_class): pod.pod_class for pod in snapshot.pending}.values()
    names = set(_names(classes, snapshot.nodes.index))
    if not names:
        return {}
    return {
        (pod.namespace, pod.name): replace(
            pod.pod_class, labels=(*pod.pod_class.labels, (MARK, pod.name))
        )
        for pod in snapshot.pending
        if (pod.namespace, pod.name) in names
    }


def _names(classes: Iterable[PodClass], nodes: Mapping[str, int]) -> Iterable[PodId]:
    for pod_class in classes:
        for delay in pod_class.delays:
            reference = delay.reference
            is_node = reference.kind == "auto" and reference.name in nodes
            if reference.kind in ("auto", "pod") and not is_node:
                yield reference.namespace, reference.name
