"""Which nodes a reference stands for, once the plan is carried out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import Reference
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass, Service, WorkloadRef
from scheduler.planning.check.ledger import Decided

_NOWHERE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """The nodes of a reference's replicas and how many are on each, both of shape ``(k,)``.

    `service`, `workloads` and `pod_key` tell which pods are replicas; none of them for a node.
    """

    node_of: NDArray[np.int64]
    replicas: NDArray[np.int64]
    service: Service | None = None
    workloads: frozenset[WorkloadRef] = field(default_factory=frozenset)
    pod_key: str = ""

    def includes(self, pod: Pod) -> bool:
        """Whether `pod` is itself one of the replicas it may refer to."""
        if self.service is not None:
            return self.service.selects(pod.namespace, pod.pod_class.labels)
        if self.workloads:
            return pod.pod_class.workload in self.workloads
        return bool(self.pod_key) and pod.key == self.pod_key


class Replicas:
    """Bound pods of the snapshot and the plan's own assignments, found by what refers to them.

    A terminating pod, or one on a node that is gone, exists but is nobody's replica.
    """

    def __init__(self, snapshot: ClusterSnapshot, decided: Decided) -> None:
        self._snapshot, self._decided = snapshot, decided
        placed = snapshot.placed
        self._classes = placed.classes + decided.classes
        planned = np.zeros(len(decided.pods), dtype=np.int64)
        for c, rows in enumerate(decided.rows_of):
            planned[rows] = len(placed.classes) + c
        self._node_of = np.concatenate([placed.node_of, decided.node_of]).astype(np.int64)
        gone = np.concatenate([placed.is_terminating, np.zeros(len(planned), dtype=np.bool_)])
        self._counts = ~gone & (self._node_of >= 0)
        class_of = np.concatenate([placed.class_of, planned])
        self._by_class = np.argsort(class_of, kind="stable")
        self._starts = np.searchsorted(
            class_of[self._by_class], np.arange(len(self._classes) + 1, dtype=np.int64)
        )
        self._services = {(s.namespace, s.name): s for s in snapshot.services}

    def resolve(self, reference: Reference) -> Resolved | None:
        """Return the first kind of that name that exists: node, Service, workload, pod."""
        kinds = ("node", "service", "workload", "pod")
        for kind in kinds if reference.kind == "auto" else (reference.kind,):
            match kind:
                case "node":
                    found = self._node(reference)
                case "service":
                    found = self._service(reference)
                case "workload":
                    found = self._workload(reference)
                case _:
                    found = self._pod(reference)
            if found is not None:
                return found
        return None

    def _node(self, reference: Reference) -> Resolved | None:
        at = self._snapshot.nodes.index.get(reference.name)
        if at is None:
            return None
        return Resolved(np.array([at], dtype=np.int64), np.array([1], dtype=np.int64))

    def _service(self, reference: Reference) -> Resolved | None:
        service = self._services.get((reference.namespace, reference.name))
        if service is None:
            return None
        labelled = [
            self._labelled.get((service.namespace, pair), frozenset()) for pair in service.selector
        ]
        classes = frozenset.intersection(*labelled) if labelled else frozenset()
        return Resolved(*self._where(classes), service=service)

    def _workload(self, reference: Reference) -> Resolved | None:
        named = self._workloads.get((reference.namespace, reference.name), {})
        wanted = reference.workload_kind.lower()
        of_kind = {w: ids for w, ids in named.items() if wanted in ("", w.kind.lower())}
        if not of_kind:
            return None
        classes = frozenset[int]().union(*of_kind.values())
        return Resolved(*self._where(classes), workloads=frozenset(of_kind))

    def _pod(self, reference: Reference) -> Resolved | None:
        key = (reference.namespace, reference.name)
        if key not in self._rows_by_name:
            return None
        rows = np.array(self._rows_by_name[key], dtype=np.int64)
        nodes, replicas = self._on_nodes(rows)
        return Resolved(nodes, replicas, pod_key=f"{reference.namespace}/{reference.name}")

    def _where(self, classes: frozenset[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        parts = [self._by_class[self._starts[c] : self._starts[c + 1]] for c in sorted(classes)]
        return self._on_nodes(np.concatenate([_NOWHERE, *parts]))

    def _on_nodes(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        nodes, replicas = np.unique(self._node_of[rows[self._counts[rows]]], return_counts=True)
        return nodes, replicas.astype(np.int64)

    @cached_property
    def _labelled(self) -> Mapping[tuple[str, tuple[str, str]], frozenset[int]]:
        """Ids of the classes of a namespace that carry a label."""
        ids: dict[tuple[str, tuple[str, str]], set[int]] = {}
        for c, pod_class in enumerate(self._classes):
            for pair in pod_class.labels:
                ids.setdefault((pod_class.namespace, pair), set()).add(c)
        return {key: frozenset(found) for key, found in ids.items()}

    @cached_property
    def _workloads(self) -> Mapping[tuple[str, str], Mapping[WorkloadRef, frozenset[int]]]:
        """Workloads by namespace and name, each with the ids of its classes."""
        ids: dict[tuple[str, str], dict[WorkloadRef, frozenset[int]]] = {}
        for c, pod_class in enumerate(self._classes):
            _enlist(ids, pod_class, frozenset({c}))
        for pod_class in self._unplaced_classes():
            _enlist(ids, pod_class, frozenset())
        return ids

    def _unplaced_classes(self) -> Iterator[PodClass]:
        waiting = (*self._snapshot.pending, *self._snapshot.held)
        # By identity: hashing 10,000 pods' classes costs more than it saves.
        yield from {id(pod.pod_class): pod.pod_class for pod in waiting}.values()

    @cached_property
    def _rows_by_name(self) -> Mapping[tuple[str, str], list[int]]:
        """Rows of the pods that some delay names; an empty list for a pod that is not placed."""
        classes = {id(p.pod_class): p.pod_class for p in self._decided.pods}.values()
        names = {d.reference.name for pod_class in classes for d in pod_class.delays}
        rows: dict[tuple[str, str], list[int]] = {}
        for row, pod in enumerate((*self._snapshot.placed.pods, *self._decided.pods)):
            if pod.name in names:
                rows.setdefault((pod.namespace, pod.name), []).append(row)
        for pod in (*self._snapshot.pending, *self._snapshot.held):
            if pod.name in names:
                rows.setdefault((pod.namespace, pod.name), [])
        return rows


def _enlist(
    ids: dict[tuple[str, str], dict[WorkloadRef, frozenset[int]]],
    pod_class: PodClass,
    classes: frozenset[int],
) -> None:
    workload = pod_class.workload
    if workload is not None:
        kinds = ids.setdefault((workload.namespace, workload.name), {})
        kinds[workload] = kinds.get(workload, frozenset()) | classes
