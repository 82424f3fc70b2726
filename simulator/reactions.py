"""What follows from a change: which controller or kubelet acts, and what each does in its time."""

from collections.abc import Callable

from simulator import deployments, garbage, kubelet, nodelife, record, replicasets
from simulator.agenda import Due, Task
from simulator.change import Change, JsonObject, ObjectKey, Refused, key_of, uid_of
from simulator.command import Record
from simulator.state import State

_RETRY_S = 10.0  # between tries while the API server refuses what a controller makes


def react(state: State, change: Change) -> None:
    """Put on the agenda what follows from a change."""
    key, obj = change.key, change.object
    is_gone = change.type == "DELETED"
    match key.kind:
        case "Deployment" | "ReplicaSet":
            if not is_gone:
                state.after(state.timing.controller_s, Task.SYNC, key)
            _sync_owners(state, obj)
        case "Pod":
            _react_to_pod(state, change)
            _sync_owners(state, obj)
        case "Node":
            _react_to_node(state, change)
        case "Event" if change.type == "ADDED":
            state.after(state.timing.event_ttl_s, Task.EXPIRE, key)
        case "Event" if is_gone:
            state.event_seen_s.pop(uid_of(obj), None)
        case _:
            pass


def perform(state: State, due: Due) -> None:
    """Do one thing whose time has come."""
    if due.task is Task.SYNC:
        _sync(state, due.key)
    elif due.task is Task.EXPIRE:
        record.expire(state, due.key)
    else:
        _TASKS[due.task](state, due)


def _sync(state: State, key: ObjectKey) -> None:
    try:
        _CONTROLLERS[key.kind](state, key)
    except Refused as refusal:
        component = f"{key.kind.lower()}-controller"
        said = Record(key, "Warning", "FailedCreate", refusal.message, component)
        record.record(state, said)
        state.after(_RETRY_S, Task.SYNC, key)


def _react_to_node(state: State, change: Change) -> None:
    node = state.store.get(change.key)
    if node is None:
        nodelife.forget(state, change.key.name)
        return
    nodelife.follow(state, node)
    if change.type == "ADDED":
        kubelet.resume(state, change.key.name)


def _react_to_pod(state: State, change: Change) -> None:
    pod = change.object
    if change.type == "DELETED" or kubelet.is_finished(pod):
        kubelet.release(state, pod)
        garbage.count_finished(state, change)
        return
    node = pod["spec"].get("nodeName")
    if not node:
        return
    uid = uid_of(pod)
    if state.store.get(nodelife.node_key(node)) is None:
        state.after(state.timing.orphan_s, Task.COLLECT_ORPHAN, key_of(pod), uid)
    elif uid not in state.admitted.get(node, {}):
        state.after(state.timing.admit_s, Task.ADMIT_POD, key_of(pod), uid)
        nodelife.plan_eviction(state, pod)


def _sync_owners(state: State, obj: JsonObject) -> None:
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller") and owner["kind"] in _CONTROLLERS:
            key = ObjectKey(owner["kind"], obj["metadata"]["namespace"], owner["name"])
            state.after(state.timing.controller_s, Task.SYNC, key)
            if obj["kind"] == "Pod" and (replica_set := state.store.get(key)) is not None:
                _sync_owners(state, replica_set)  # a Recreate waits for the last old pod to go


_CONTROLLERS: dict[str, Callable[[State, ObjectKey], None]] = {
    "Deployment": deployments.sync,
    "ReplicaSet": replicasets.sync,
}
_TASKS: dict[Task, Callable[[State, Due], None]] = {
    Task.ADMIT_POD: kubelet.admit,
    Task.START_POD: kubelet.start,
    Task.FINISH_POD: kubelet.finish,
    Task.NODE_SILENT: nodelife.silent,
    Task.EVICT_POD: nodelife.evict,
    Task.COLLECT: garbage.collect,
    Task.COLLECT_ORPHAN: garbage.collect_orphan,
}
