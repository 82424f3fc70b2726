"""Pods of one class that a decision must tell apart after all.

Pods of one class are one supply, and which of them goes where is nobody's concern, unless

* a delay refers to one of them by its name;
* they have volumes of their own, or a node where room is kept for them;
* a selector asks for a label by which their controller numbers them.

Such a pod is of a class of its own for the decision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scheduler.domain.snapshot import ClusterSnapshot, placed_pods
from scheduler.domain.workload import IDENTITY_LABELS, Pod, PodClass
from scheduler.placement.between.standing_pods import book_of, selected_keys

MARK = "isochrone.dev/named"

PodId = tuple[str, str]
"""Namespace and name."""


def told_apart(snapshot: ClusterSnapshot) -> tuple[ClusterSnapshot, Mapping[PodId, PodClass]]:
    """Return the snapshot to decide on, and the class of its own of each pod that has one.

    Pods that stand are told apart in the snapshot, where that matters at all.
    """
    classes = list({id(pod.pod_class): pod.pod_class for pod in snapshot.pending}.values())
    names = set(_names(classes, snapshot.nodes.index))
    asks = _asks_for_numbers(snapshot, classes)
    out: dict[PodId, PodClass] = {}
    for pod in snapshot.pending:
        pod_class = _with_numbers(pod) if asks else pod.pod_class
        if pod.volumes:
            pod_class = replace(pod_class, volumes=pod.volumes)
        if pod.nominated_node in snapshot.nodes.index:
            pod_class = replace(pod_class, nominated_node=pod.nominated_node)
        if (pod.namespace, pod.name) in names:
            pod_class = replace(pod_class, labels=(*pod_class.labels, (MARK, pod.name)))
        if pod_class is not pod.pod_class:
            out[pod.namespace, pod.name] = pod_class
    return (_numbered(snapshot) if asks else snapshot), out


def _names(classes: Iterable[PodClass], nodes: Mapping[str, int]) -> Iterable[PodId]:
    for pod_class in classes:
        for delay in pod_class.delays:
            reference = delay.reference
            is_node = reference.kind == "auto" and reference.name in nodes
            if reference.kind in ("auto", "pod") and not is_node:
                yield reference.namespace, reference.name


def _asks_for_numbers(snapshot: ClusterSnapshot, pending: Iterable[PodClass]) -> bool:
    """Whether any selector between pods names a label that numbers pods."""
    asked = book_of(snapshot).asked_keys | set(selected_keys(pending))
    return not asked.isdisjoint(IDENTITY_LABELS)


def _with_numbers(pod: Pod) -> PodClass:
    if not pod.identity_labels:
        return pod.pod_class
    labels = tuple(sorted((*pod.pod_class.labels, *pod.identity_labels)))
    return replace(pod.pod_class, labels=labels)


def _numbered(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """Return the snapshot with the numbers of pods that stand among their classes' labels."""
    placed = snapshot.placed
    names = [node.name for node in snapshot.nodes.nodes]
    rows = [
        (replace(pod, pod_class=_with_numbers(pod)), names[node] if node >= 0 else "")
        for pod, node in zip(placed.pods, placed.node_of.tolist(), strict=True)
    ]
    leaving = placed.is_terminating.tolist()
    terminating = frozenset(pod.key for (pod, _), goes in zip(rows, leaving, strict=True) if goes)
    return replace(snapshot, placed=placed_pods(rows, snapshot.nodes.index, terminating))
