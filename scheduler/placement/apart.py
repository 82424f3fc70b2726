"""Pods of one class that a decision must tell apart after all.

Pods of one class are one supply, and which of them goes where is nobody's concern, unless

* a delay refers to one of them by its name;
* they have volumes of their own, or a node where room is kept for them;
* a selector asks for a label by which their controller numbers them;
* some of them are needed for their group to run at all, and others are not.

Such a pod is of a class of its own for the decision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

import numpy as np

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import IDENTITY_LABELS, Pod, PodClass, Service
from scheduler.placement.between.standing_pods import book_of, selected_keys, selectors

MARK = "isochrone.dev/named"

PodId = tuple[str, str]
"""Namespace and name."""

_Asked = set[tuple[str, str]]
"""Numbering labels that selectors tell from their absence; a value of ``""`` is for any."""


def told_apart(
    snapshot: ClusterSnapshot, spare: frozenset[str] = frozenset()
) -> tuple[ClusterSnapshot, Mapping[PodId, PodClass]]:
    """Return the snapshot to decide on, and the class of its own of each pod that has one.

    Pods that stand are told apart in the snapshot, where that matters at all. Pods whose keys are
    in `spare` are placed as if they belonged to no group.
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
        if pod.key in spare:
            pod_class = replace(pod_class, group=None)
        if (pod.namespace, pod.name) in names:
            pod_class = replace(pod_class, labels=(*pod_class.labels, (MARK, pod.name)))
        if pod_class is not pod.pod_class:
            out[pod.namespace, pod.name] = pod_class
    return (_numbered(snapshot, classes) if asks else snapshot), out


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


def _numbered(snapshot: ClusterSnapshot, pending: Iterable[PodClass]) -> ClusterSnapshot:
    """Return the snapshot with the numbers that selectors ask for among standing pods' labels.

    A pod that every selector treats as it would without its numbers stays of its class.
    """
    placed = snapshot.placed
    asked = _asked_of(snapshot, pending)
    pods, class_of = list(placed.pods), placed.class_of.copy()
    number = {pod_class: k for k, pod_class in enumerate(placed.classes)}
    for row in np.flatnonzero(np.isin(class_of, list(asked))).tolist():
        pod = pods[row]
        if any(_tells(of, pod) for of in asked[int(class_of[row])]):
            own = _with_numbers(pod)
            pods[row] = replace(pod, pod_class=own)
            class_of[row] = number.setdefault(own, len(number))
    if np.array_equal(class_of, placed.class_of):
        return snapshot
    used, renumbered = np.unique(class_of, return_inverse=True)
    classes = tuple(number)
    told = replace(
        placed,
        pods=tuple(pods),
        classes=tuple(classes[k] for k in used.tolist()),
        class_of=renumbered.astype(np.int32),
    )
    return replace(snapshot, placed=told)


def _asked_of(snapshot: ClusterSnapshot, pending: Iterable[PodClass]) -> Mapping[int, list[_Asked]]:
    """Return what is asked of the numbers of each standing class that a selector could match."""
    book = book_of(snapshot)
    by_rest: dict[tuple[Requirement, ...], _Asked] = {}
    services = (_selector(service) for service in snapshot.services)
    for selector in chain(selectors((*book.classes, *pending)), services):
        of_numbers = [r for r in selector.requirements if r.key in IDENTITY_LABELS]
        if of_numbers:
            rest = tuple(r for r in selector.requirements if r.key not in IDENTITY_LABELS)
            asked = by_rest.setdefault(rest, set())
            asked.update((r.key, value) for r in of_numbers for value in r.values or ("",))
    out: dict[int, list[_Asked]] = {}
    for rest, asked in by_rest.items():
        for number in book.index.selected(LabelSelector(rest), None):
            out.setdefault(number, []).append(asked)
    return out


def _selector(service: Service) -> LabelSelector:
    return LabelSelector(tuple(Requirement(k, "In", (value,)) for k, value in service.selector))


def _tells(asked: _Asked, pod: Pod) -> bool:
    return any(one in asked or (one[0], "") in asked for one in pod.identity_labels)
