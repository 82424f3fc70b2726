"""The binding subresource of pods, with the refusals of a real API server."""

from simulator.change import JsonObject, ObjectKey, Refused, conflict, uid_of
from simulator.command import Bind
from simulator.state import State
from simulator.status import with_condition, with_metadata, with_spec

_COPIED = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
"""Labels a pod receives from its node when it is bound (Kubernetes 1.35 and later)."""


def bind(state: State, command: Bind) -> JsonObject:
    """Bind a pod to a node and return the pod.

    Raises
    ------
    Refused
        404 if there is no such pod; 409 if it is bound, on its way out, gated, or another pod of
        that name; 403 while the scenario has bindings refused. Whether the node exists is not
        asked, as in the real API server.
    """
    key = ObjectKey("Pod", command.namespace, command.name)
    pod = state.need(key)
    uid = uid_of(pod)
    if command.uid not in ("", uid):
        said = f"Precondition failed: UID in precondition: {command.uid}, UID in object meta: {uid}"
        raise conflict(key, f"StorageError: invalid object, Code: 4, AdditionalErrorMsg: {said}")
    if pod["metadata"].get("deletionTimestamp"):
        raise _refusal(key, f"pod {key.name} is being deleted, cannot be assigned to a host")
    bound_to = pod["spec"].get("nodeName")
    if bound_to:
        raise _refusal(key, f'pod {key.name} is already assigned to node "{bound_to}"')
    if pod["spec"].get("schedulingGates"):
        raise _refusal(key, f"pod {key.name} has non-empty .spec.schedulingGates")
    if not command.node:
        raise Refused(500, "", "target.name: Required value")  # the real one's own code
    if state.refuse_share > 0 and state.rng.random() < state.refuse_share:
        raise Refused(403, "Forbidden", "admission webhook denied the request: told to refuse")
    return state.put(_bound(state, pod, command))


def _bound(state: State, pod: JsonObject, command: Bind) -> JsonObject:
    pod = with_spec(pod, nodeName=command.node)
    meta = pod["metadata"]
    if command.annotations:
        annotations = {**meta.get("annotations", {}), **dict(command.annotations)}
        pod = with_metadata(pod, annotations=annotations)
    node = state.store.get(ObjectKey("Node", "", command.node))
    if node is not None:
        node_labels = node["metadata"].get("labels", {})
        copied = {name: node_labels[name] for name in _COPIED if name in node_labels}
        if copied:
            pod = with_metadata(pod, labels={**meta.get("labels", {}), **copied})
    return with_condition(pod, {"type": "PodScheduled", "status": "True"}, state.stamp())


def _refusal(key: ObjectKey, message: str) -> Refused:
    return conflict(key, message, "binding")
