"""Nodes that fail and return: conditions, taints, and the eviction of pods.

Two controllers in one: the node lifecycle controller (conditions to taints) and the taint-eviction
controller (NoExecute taints to deleted pods).
"""

from typing import Literal

from simulator import kubelet, writing
from simulator.agenda import Due, Task
from simulator.change import JsonObject, ObjectKey, key_of, uid_of
from simulator.command import Record
from simulator.record import record
from simulator.state import State
from simulator.status import condition_of, with_condition, with_spec
from simulator.store import is_same_object
from simulator.taints import (
    NOT_READY,
    UNREACHABLE,
    UNSCHEDULABLE,
    no_execute,
    tolerated_s,
    without,
)

_REASONS = {
    "True": ("KubeletReady", "kubelet is posting ready status"),
    "False": ("KubeletNotReady", "container runtime is down"),
    "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
}


def node_key(name: str) -> ObjectKey:
    """Return the key of a node."""
    return ObjectKey("Node", "", name)


def fail(state: State, names: tuple[str, ...], ready: Literal["Unknown", "False"]) -> None:
    """Stop kubelets: silent ones are noticed after the grace period, others say so themselves."""
    for name in names:
        state.need(node_key(name))
    for name in names:
        state.stopped[name] = ready
        if ready == "False":
            _set_ready(state, name, "False")
        else:
            state.after(state.timing.node_grace_s, Task.NODE_SILENT, node_key(name))


def restore(state: State, names: tuple[str, ...]) -> None:
    """Start the kubelets of nodes that failed."""
    for name in names:
        state.need(node_key(name))
    for name in names:
        if state.stopped.pop(name, None) is None:
            continue
        state.agenda.drop(Due(Task.NODE_SILENT, node_key(name)))
        _set_ready(state, name, "True")
        kubelet.resume(state, name)


def silent(state: State, due: Due) -> None:
    """Notice that a kubelet has not been heard of."""
    if due.key.name in state.stopped and state.store.get(due.key) is not None:
        _set_ready(state, due.key.name, "Unknown")


def cordon(state: State, name: str, *, is_unschedulable: bool) -> None:
    """Close a node to new pods, or open it."""
    node = state.need(node_key(name))
    state.put(with_spec(node, unschedulable=True if is_unschedulable else None))


def drain(state: State, name: str) -> None:
    """Close a node and delete its pods, whoever owns them."""
    cordon(state, name, is_unschedulable=True)
    for pod in state.store.pods_on(name):
        if not kubelet.is_finished(pod):
            writing.delete(state, key_of(pod))


def follow(state: State, node: JsonObject) -> None:
    """Bring taints and evictions in line with a node's conditions."""
    ready = condition_of(node, "Ready")
    status = ready["status"] if ready is not None else "Unknown"
    effects = [(NOT_READY, "False"), (UNREACHABLE, "Unknown")]
    wanted = [
        (key, effect)
        for key, when in effects
        for effect in ("NoSchedule", "NoExecute")
        if status == when
    ]
    if node["spec"].get("unschedulable"):
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    present = node["spec"].get("taints", [])
    have = {(t["key"], t["effect"]): t for t in present}
    ours = [have.get(w) or _taint(state, *w) for w in wanted]
    taints = without(present, (NOT_READY, UNREACHABLE, UNSCHEDULABLE)) + ours
    node = state.put(with_spec(node, taints=taints or None))
    _note_taints(state, node)
    if status != "True":
        _mark_pods_unready(state, key_of(node).name)
    for pod in state.store.pods_on(key_of(node).name):
        plan_eviction(state, pod)


def forget(state: State, name: str) -> None:
    """Forget a deleted node and its kubelet; its pods are orphans."""
    state.stopped.pop(name, None)
    for place in [place for place in state.tainted_s if place[0] == name]:
        del state.tainted_s[place]
    for pod in state.store.pods_on(name):
        state.after(state.timing.orphan_s, Task.COLLECT_ORPHAN, key_of(pod), uid_of(pod))


def plan_eviction(state: State, pod: JsonObject) -> None:
    """Put the eviction of a pod on the agenda, or take it off."""
    due = Due(Task.EVICT_POD, key_of(pod), uid_of(pod))
    state.agenda.drop(due)
    at_s = _eviction_s(state, pod)
    if at_s is not None:
        state.agenda.add(max(at_s, state.now_s), due)


def evict(state: State, due: Due) -> None:
    """Delete a pod that does not tolerate its node's taints any longer."""
    pod = state.store.get(due.key)
    if pod is None or not is_same_object(pod, due.uid) or _eviction_s(state, pod) is None:
        return
    message = f"Marking for deletion Pod {due.key.namespace}/{due.key.name}"
    record(
        state,
        Record(due.key, "Normal", "TaintManagerEviction", message, "taint-eviction-controller"),
    )
    writing.delete(state, due.key)


def _eviction_s(state: State, pod: JsonObject) -> float | None:
    """Return when a pod is to go because of its node's taints, or None."""
    node = state.store.get(node_key(pod["spec"].get("nodeName", "")))
    if node is None or pod["metadata"].get("deletionTimestamp") or kubelet.is_finished(pod):
        return None
    due = []
    for taint in no_execute(node):
        stays_s = tolerated_s(pod, taint)
        if stays_s is not None:
            place = (key_of(node).name, taint["key"], taint["effect"])
            due.append(state.tainted_s.get(place, state.now_s) + stays_s)
    return min(due) if due else None


def _note_taints(state: State, node: JsonObject) -> None:
    name = key_of(node).name
    present = {(name, t["key"], t["effect"]) for t in no_execute(node)}
    for place in [p for p in state.tainted_s if p[0] == name and p not in present]:
        del state.tainted_s[place]
    for place in present:
        state.tainted_s.setdefault(place, state.now_s)


def _taint(state: State, key: str, effect: str) -> JsonObject:
    taint = {"key": key, "effect": effect}
    return {**taint, "timeAdded": state.stamp()} if effect == "NoExecute" else taint


def _set_ready(state: State, name: str, status: str) -> None:
    reason, message = _REASONS[status]
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
    node = with_condition(state.need(node_key(name)), condition, state.stamp())
    state.put(node)
    if status != "True":
        about = f"Node {name} status is now: NodeNotReady"
        record(state, Record(node_key(name), "Normal", "NodeNotReady", about, "node-controller"))
    else:
        about = f"Node {name} status is now: NodeReady"
        record(state, Record(node_key(name), "Normal", "NodeReady", about, "kubelet"))


def _mark_pods_unready(state: State, name: str) -> None:
    for pod in state.store.pods_on(name):
        ready = condition_of(pod, "Ready")
        if ready is not None and ready["status"] == "True" and not kubelet.is_finished(pod):
            state.put(with_condition(pod, {"type": "Ready", "status": "False"}, state.stamp()))
