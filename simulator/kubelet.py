"""The imitation kubelet: admits bound pods in the order of their binding, runs and stops them.

What does not fit is refused as the real one refuses it: the pod fails with the reason ``OutOfcpu``
(``OutOfpods``, …) and its controller makes another. One difference: a real kubelet lets extended
resources that its node does not list pass; here they are refused too, so that no such mistake of a
scheduler stays hidden.
"""

from simulator.agenda import Due, Task
from simulator.change import JsonObject, ObjectKey, key_of, uid_of
from simulator.command import Record
from simulator.demand import capacity, pod_demand
from simulator.record import record
from simulator.selectors import is_wanted_node
from simulator.state import State
from simulator.status import with_condition, with_status
from simulator.store import is_same_object
from simulator.taints import no_execute, tolerated_s

_ORDER = ("pods", "cpu", "memory", "ephemeral-storage")
_FINISHED = ("Failed", "Succeeded")


def admit(state: State, due: Due) -> None:
    """Admit a pod that was bound, or refuse it."""
    pod = state.store.get(due.key)
    if pod is None or not is_same_object(pod, due.uid):
        return
    node = state.store.get(ObjectKey("Node", "", pod["spec"]["nodeName"]))
    if node is None or key_of(node).name in state.stopped or not _is_new(state, pod):
        return  # looked at again when the node is back
    if pod["metadata"].get("deletionTimestamp"):
        state.remove(due.key)
        return
    refusal = _refusal(state, pod, node)
    if refusal is not None:
        _fail(state, pod, *refusal)
        return
    name = key_of(node).name
    state.admitted.setdefault(name, {})[due.uid] = pod_demand(pod)
    pod = with_status(pod, startTime=state.stamp(), hostIP=_address(node))
    state.put(with_condition(pod, _condition("Initialized", "True"), state.stamp()))
    state.after(state.timing.start_s, Task.START_POD, due.key, due.uid)


def start(state: State, due: Due) -> None:
    """Let the containers of an admitted pod run."""
    pod = state.store.get(due.key)
    if pod is None or not is_same_object(pod, due.uid) or not _is_tended(state, pod):
        return
    if pod["metadata"].get("deletionTimestamp") or pod["status"]["phase"] != "Pending":
        return
    state.addresses += 1
    address = (
        f"10.{state.addresses >> 16 & 255}.{state.addresses >> 8 & 255}.{state.addresses & 255}"
    )
    running = {"running": {"startedAt": state.stamp()}}
    containers = [
        {
            "name": c.get("name", ""),
            "image": c.get("image", ""),
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": running,
        }
        for c in pod["spec"]["containers"]
    ]
    pod = with_status(pod, phase="Running", podIP=address, containerStatuses=containers)
    state.put(_ready(state, pod))


def finish(state: State, due: Due) -> None:
    """Remove a deleted pod once its containers have stopped; a silent kubelet stops nothing."""
    pod = state.store.get(due.key)
    if pod is None or not is_same_object(pod, due.uid):
        return
    if state.stopped.get(pod["spec"].get("nodeName", "")) != "Unknown":
        state.remove(due.key)


def resume(state: State, node: str) -> None:
    """Take up the work again on a node that is back."""
    for pod in state.store.pods_on(node):
        key, uid = key_of(pod), uid_of(pod)
        if pod["metadata"].get("deletionTimestamp"):
            state.after(state.timing.stop_s, Task.FINISH_POD, key, uid)
        elif _is_new(state, pod):
            state.after(state.timing.admit_s, Task.ADMIT_POD, key, uid)
        elif pod["status"]["phase"] == "Pending":
            state.after(state.timing.start_s, Task.START_POD, key, uid)
        elif pod["status"]["phase"] == "Running":
            state.put(_ready(state, pod))


def release(state: State, pod: JsonObject) -> None:
    """Give back the room of a pod that is finished or gone."""
    held = state.admitted.get(pod["spec"].get("nodeName", ""))
    if held is not None:
        held.pop(uid_of(pod), None)


def is_finished(pod: JsonObject) -> bool:
    """Whether a pod's containers will not run any more."""
    return pod.get("status", {}).get("phase") in _FINISHED


def _is_tended(state: State, pod: JsonObject) -> bool:
    node = pod["spec"]["nodeName"]
    return node not in state.stopped and uid_of(pod) in state.admitted.get(node, {})


def _is_new(state: State, pod: JsonObject) -> bool:
    held = state.admitted.get(pod["spec"]["nodeName"], {})
    return uid_of(pod) not in held and not is_finished(pod)


def _refusal(state: State, pod: JsonObject, node: JsonObject) -> tuple[str, str] | None:
    """Return why a node cannot take a pod: reason and message of the kubelet, or None."""
    if not is_wanted_node(pod, node):
        return (
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        )
    if any(tolerated_s(pod, taint) == 0 for taint in no_execute(node)):
        return (
            "TaintToleration",
            "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
        )
    have, want = capacity(node), pod_demand(pod)
    held = state.admitted.get(key_of(node).name, {}).values()
    for name in (*_ORDER, *sorted(want.keys() - set(_ORDER))):
        used = sum(demand.get(name, 0) for demand in held)
        wanted = want.get(name, 0)
        if wanted and used + wanted > have.get(name, 0):
            return f"OutOf{name}", (
                f"Node didn't have enough resource: {name}, requested: {wanted}, "
                f"used: {used}, capacity: {have.get(name, 0)}"
            )
    return None


def _fail(state: State, pod: JsonObject, reason: str, message: str) -> None:
    message = f"Pod was rejected: {message}"
    failed = with_status(
        pod, phase="Failed", reason=reason, message=message, startTime=state.stamp()
    )
    state.put(failed)
    record(state, Record(key_of(pod), "Warning", reason, message, "kubelet"))


def _ready(state: State, pod: JsonObject) -> JsonObject:
    for kind in ("ContainersReady", "Ready"):
        pod = with_condition(pod, _condition(kind, "True"), state.stamp())
    return pod


def _condition(kind: str, status: str) -> JsonObject:
    return {"type": kind, "status": status}


def _address(node: JsonObject) -> str:
    for address in node.get("status", {}).get("addresses", ()):
        if address.get("type") == "InternalIP":
            return str(address["address"])
    return ""
