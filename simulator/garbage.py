"""The garbage collectors: dependents of deleted owners, pods without a node, old failed pods."""

from simulator import writing
from simulator.agenda import Due
from simulator.change import Change, ObjectKey, key_of
from simulator.state import State
from simulator.store import is_same_object


def collect(state: State, due: Due) -> None:
    """Delete what a deleted object owned."""
    for dependent in state.store.owned_by(due.uid):
        if not dependent["metadata"].get("deletionTimestamp"):
            writing.delete(state, key_of(dependent))


def collect_orphan(state: State, due: Due) -> None:
    """Remove a pod whose node still does not exist."""
    pod = state.store.get(due.key)
    if pod is None or not is_same_object(pod, due.uid):
        return
    if state.store.get(ObjectKey("Node", "", pod["spec"]["nodeName"])) is None:
        state.remove(due.key)


def count_finished(state: State, change: Change) -> None:
    """Keep count of finished pods and remove the oldest beyond the number that is kept."""
    if change.type == "DELETED":
        state.finished.pop(change.key, None)
        return
    state.finished[change.key] = None
    while len(state.finished) > state.timing.finished_pods:
        oldest = next(iter(state.finished))
        del state.finished[oldest]
        if state.store.get(oldest) is not None:
            state.remove(oldest)
