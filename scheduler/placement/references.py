"""What a delay refers to: a node, or the pods behind a Service, a workload or a pod's name.

A label's reference resolves in this order: node; Service, workload, pod of the pod's namespace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.reasons import PodCause, PodReason
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass, Service
from scheduler.placement.apart import PodId


@dataclass(frozen=True, slots=True)
class Target:
    """What a constraint refers to, before it is known where that runs.

    `node` is the index of a node, or -1; else the target is all pods of `classes` (and, for a pod's
    name, only the pods of that `pod_name`). `is_self` when the referring class is among them.
    """

    constraint: DelayConstraint
    quantifier: Quantifier
    node: int = -1
    classes: frozenset[PodClass] = frozenset()
    pod_name: str = ""
    is_self: bool = False
    problem: PodReason | None = None
    note: str = ""


@dataclass(slots=True)
class _Found:
    classes: set[PodClass] = field(default_factory=set)
    pod_name: str = ""
    note: str = ""


class ReferenceBook:
    """All that a reference could mean in one snapshot.

    Parameters
    ----------
    snapshot
        What is known.
    named
        The class of its own that a pending pod has because a delay names it.
    """

    def __init__(
        self, snapshot: ClusterSnapshot, named: Mapping[PodId, PodClass] | None = None
    ) -> None:
        self._snapshot = snapshot
        self._named = named or {}
        self._alone = {pod_class: key[1] for key, pod_class in self._named.items()}
        self._services: dict[tuple[str, str], Service] = {
            (s.namespace, s.name): s for s in snapshot.services
        }
        self._backing: dict[tuple[str, str], set[PodClass]] = {}

    @cached_property
    def _classes(self) -> set[PodClass]:
        waiting = (*self._snapshot.pending, *self._snapshot.held)
        # By identity first: hashing the class of each of thousands of pods costs more.
        own = {id(pod.pod_class): pod.pod_class for pod in waiting}
        return {*self._snapshot.placed.classes, *own.values(), *self._named.values()}

    @cached_property
    def _workloads(self) -> dict[tuple[str, str], set[PodClass]]:
        out: dict[tuple[str, str], set[PodClass]] = {}
        for pod_class in self._classes:
            owner = pod_class.workload
            if owner is not None:
                out.setdefault((owner.namespace, owner.name), set()).add(pod_class)
        return out

    @cached_property
    def _pods(self) -> dict[PodId, set[PodClass]]:
        """Classes of all pods, by namespace and name."""
        out: dict[PodId, set[PodClass]] = {}
        everyone = (self._snapshot.placed.pods, self._snapshot.pending, self._snapshot.held)
        for pod in chain(*everyone):
            key = (pod.pod_class.namespace, pod.name)
            pod_class = self._named.get(key, pod.pod_class) if self._named else pod.pod_class
            out.setdefault(key, set()).add(pod_class)
        return out

    def target(self, pod_class: PodClass, constraint: DelayConstraint) -> Target:
        """Resolve one constraint of a class; a `problem` says why it cannot be."""
        reference = constraint.reference
        if reference.kind in ("auto", "node"):
            i = self._snapshot.nodes.index.get(reference.name)
            if i is not None:
                return Target(constraint, constraint.quantifier or Quantifier.ANY, node=i)
        found = self._find(reference)
        if found is None:
            return Target(constraint, Quantifier.ANY, problem=_unknown(constraint))
        is_self = pod_class in found.classes and (
            not found.pod_name or self._alone.get(pod_class) == found.pod_name
        )
        quantifier = constraint.quantifier or (Quantifier.ALL if is_self else Quantifier.ANY)
        return Target(
            constraint,
            quantifier,
            classes=frozenset(found.classes),
            pod_name=found.pod_name,
            is_self=is_self,
            note=found.note,
        )

    def _find(self, reference: Reference) -> _Found | None:
        key = (reference.namespace, reference.name)
        if reference.kind in ("auto", "service") and key in self._services:
            found = _Found(self._behind(key))
            workload = self._workloads.get(key)
            if reference.kind == "auto" and workload is not None and workload != found.classes:
                found.note = (
                    f"{reference.name} names a Service and a workload whose pods differ: "
                    "the Service was taken"
                )
            return found
        if reference.kind in ("auto", "workload"):
            owned = {
                c
                for c in self._workloads.get(key, set())
                if c.workload is not None
                and reference.workload_kind in ("", c.workload.kind.lower())
            }
            if owned:
                return _Found(owned)
        if reference.kind in ("auto", "pod") and key in self._pods:
            return _Found(set(self._pods[key]), pod_name=reference.name)
        return None

    def _behind(self, key: tuple[str, str]) -> set[PodClass]:
        known = self._backing.get(key)
        if known is None:
            service = self._services[key]
            known = {c for c in self._classes if service.selects(c.namespace, c.labels)}
            self._backing[key] = known
        return known


def _unknown(constraint: DelayConstraint) -> PodReason:
    reference = constraint.reference
    kind = reference.workload_kind or "workload"
    known = {
        "auto": f"no node, and no Service, workload or pod of namespace {reference.namespace}",
        "node": "no node",
        "service": f"no Service of namespace {reference.namespace}",
        "workload": f"no {kind} of namespace {reference.namespace}",
        "pod": f"no pod of namespace {reference.namespace}",
    }[reference.kind]
    text = (
        f"{constraint.written or reference}: unknown reference, {known} is named {reference.name}"
    )
    return PodReason(PodCause.UNKNOWN_REFERENCE, text)
