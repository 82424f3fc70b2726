"""Claims and volumes for tests, and the smallest decision that knows them."""

from dataclasses import replace

from scheduler.domain.plan import AssignedVolumes, Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.storage import (
    Claim,
    ClaimRef,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    Storage,
)
from scheduler.domain.workload import NodeTerm, Pod, Requirement
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from scheduler.service.state import PlanFunction
from tests.builders import pod
from tests.unit.service.first_fit import first_fit


def claim(name: str, **fields: object) -> PersistentVolumeClaim:
    """Return a claim that waits for its pod."""
    plain = PersistentVolumeClaim("default", name, uid=f"uid-of-{name}", storage_class="slow")
    return replace(plain, **fields)  # type: ignore[arg-type] # fields by name, for tests


def volume(name: str, **fields: object) -> PersistentVolume:
    """Return a volume that nobody has."""
    plain = PersistentVolume(name, storage_class="slow", phase="Available")
    return replace(plain, **fields)  # type: ignore[arg-type] # fields by name, for tests


def bound_to(wanted: PersistentVolumeClaim, name: str) -> PersistentVolumeClaim:
    """Return a claim as the volume controller leaves it once it is bound to a volume."""
    return replace(wanted, volume_name=name, is_bound=True, phase="Bound")


def reference_to(wanted: PersistentVolumeClaim) -> ClaimRef:
    """Return how a volume names its claim."""
    return ClaimRef(wanted.namespace, wanted.name, wanted.uid)


def on_nodes_labelled(key: str, *values: str) -> tuple[NodeTerm, ...]:
    """Return where a volume can be used."""
    return (NodeTerm(expressions=(Requirement(key, "In", values),)),)


def claiming(name: str, *claims: str, **spec: object) -> Pod:
    """Return a pod that uses claims."""
    return replace(pod(name, **spec), volumes=PodVolumes(tuple(map(Claim, claims))))  # type: ignore[arg-type] # as `pod`


def fit_with_volumes(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
    """Place in order; each claim gets the first volume that is free, or is to be provisioned."""
    return _with_volumes(first_fit, snapshot, settings)


def plan_with_volumes(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
    """Decide as the core does, by all but the volumes; these as `fit_with_volumes`."""
    return _with_volumes(plan, snapshot, settings)


def _with_volumes(
    decide: PlanFunction, snapshot: ClusterSnapshot, settings: PlacementSettings
) -> Plan:
    storage = snapshot.storage
    pinned = [replace(_pinned(p, storage), volumes=PodVolumes()) for p in snapshot.pending]
    made = decide(replace(snapshot, pending=tuple(pinned)), settings)
    taken: set[str] = set()
    asked = {p.key: p for p in snapshot.pending}
    assignments = [
        replace(a, pod=asked[a.pod.key], volumes=_chosen(asked[a.pod.key], storage, taken))
        for a in made.assignments
    ]
    return replace(made, assignments=tuple(assignments))


def _pinned(waiting: Pod, storage: Storage) -> Pod:
    for key in _keys(waiting):
        node = storage.claims[key].selected_node
        if node is not None:
            return replace(waiting, pod_class=replace(waiting.pod_class, node_name=node))
    return waiting


def _chosen(assigned: Pod, storage: Storage, taken: set[str]) -> AssignedVolumes:
    bindings, provisions = [], []
    for key in _keys(assigned):
        wanted = storage.claims[key]
        if wanted.is_bound:
            continue
        free = [
            v.name
            for v in storage.volumes.values()
            if v.claim in (None, reference_to(wanted)) and v.name not in taken
        ]
        if wanted.selected_node is None and free:
            taken.add(free[0])
            bindings.append((key, free[0]))
        else:
            provisions.append(key)
    return AssignedVolumes(tuple(bindings), tuple(provisions))


def _keys(of: Pod) -> list[str]:
    return [f"{of.namespace}/{used.name}" for used in of.volumes.claims]
