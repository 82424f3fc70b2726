"""Whether the references of a decision stand where it took them to stand.

A decision may rest on pods that it places itself, or that moved while it was made. Bindings cannot
be undone, so a pod that refers to pods is bound only after its references are, and only where its
budgets hold by what stands then.
"""

from collections.abc import Iterable, Sequence

from scheduler.domain.plan import Assignment
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.batch import Batch
from scheduler.placement.reach import reach
from scheduler.placement.references import ReferenceBook
from scheduler.placement.settings import PlacementSettings


def refers_to_pods(assignment: Assignment, snapshot: ClusterSnapshot) -> bool:
    """Whether a hard delay of the pod is measured from pods, not from a node."""
    return any(
        delay.reference.kind != "node"
        and (delay.reference.kind != "auto" or delay.reference.name not in snapshot.nodes.index)
        for delay in assignment.pod.pod_class.hard_delays
    )


def standing_together(
    assignments: Sequence[Assignment], snapshot: ClusterSnapshot, settings: PlacementSettings
) -> set[str]:
    """Return the keys of the pods whose delays hold once all that are returned stand."""
    kept = list(assignments)
    while True:
        good = standing(kept, snapshot, settings, together=True)
        if len(good) == len(kept):
            return good
        kept = [a for a in kept if a.pod.key in good]


def standing(
    assignments: Sequence[Assignment],
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    *,
    together: bool = False,
) -> set[str]:
    """Return the keys of the pods whose delays hold by what stands in the snapshot.

    Parameters
    ----------
    assignments
        Of pods that are all pending in the snapshot.
    snapshot
        As it is now.
    settings
        What decisions are made with.
    together
        Whether the assignments count as carried out, as for pods that refer to each other.
    """
    batch = Batch(snapshot, settings)
    index = snapshot.nodes.index
    node_of = {a.pod.key: index[a.node] for a in assignments if a.node in index}
    placing = {
        c.pod_class: [(node_of[p.key], p.name) for p in c.pods if together and p.key in node_of]
        for c in batch.classes
    }
    out = set()
    for pending in batch.classes:
        if pending.problems:
            continue
        mask = reach(batch, pending, placing).mask
        out |= {p.key for p in pending.pods if p.key in node_of and mask[node_of[p.key]]}
    return out


def referred_to(
    assignments: Sequence[Assignment], pods: Iterable[Pod], snapshot: ClusterSnapshot
) -> set[str]:
    """Return the keys of those of `pods` that hard delays of some assignments are measured from."""
    return set().union(*references_of(assignments, pods, snapshot).values())


def references_of(
    assignments: Sequence[Assignment], pods: Iterable[Pod], snapshot: ClusterSnapshot
) -> dict[str, set[str]]:
    """As `referred_to`, by the key of the assigned pod; pods that refer to none are left out."""
    book = ReferenceBook(snapshot)
    keys_of: dict[PodClass, set[str]] = {}
    for pod in pods:
        keys_of.setdefault(pod.pod_class, set()).add(pod.key)
    out: dict[str, set[str]] = {}
    for a in assignments:
        for delay in a.pod.pod_class.hard_delays:
            for pod_class in book.target(a.pod.pod_class, delay).classes:
                out.setdefault(a.pod.key, set()).update(keys_of.get(pod_class, ()))
    return {key: found for key, found in out.items() if found}
