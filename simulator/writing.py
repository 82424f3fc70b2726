"""The writes of the embedded API server: create, update, patch, apply, delete, scale, condition."""

from simulator.admission import admitted, completed
from simulator.agenda import Task
from simulator.change import (
    JsonObject,
    ObjectKey,
    Refused,
    already_exists,
    invalid,
    key_of,
    uid_of,
)
from simulator.immutable import check_update
from simulator.kinds import KINDS
from simulator.state import State
from simulator.status import merged, with_condition, with_metadata, with_spec

_LARGEST_SCALE = 1_000_000


def create(state: State, obj: JsonObject) -> JsonObject:
    """Store a new object.

    Raises
    ------
    Refused
        409 if it exists, else as `simulator.admission.admitted`.
    """
    new = admitted(state, obj)
    key = key_of(new)
    if state.store.get(key) is not None:
        raise already_exists(key)
    return state.put(new)


def update(state: State, obj: JsonObject, subresource: str) -> JsonObject:
    """Replace an object; its status is written by the subresource alone, its spec never by it."""
    key = _key(obj)
    old = state.need(key, str(obj.get("metadata", {}).get("uid", "")))
    if subresource == "status":
        new = {**old, "status": obj.get("status", {})}
        if key.kind == "Pod":  # a kubelet writes annotations that way, and the API server lets it
            marks = obj.get("metadata", {}).get("annotations") or None
            new = with_metadata(new, annotations=marks)
        asked = obj.get("metadata", {}).get("resourceVersion")
        if asked:
            new = with_metadata(new, resourceVersion=asked)
    else:
        new = {**obj, "status": old.get("status", {}), "metadata": _kept(old, obj)}
        if key.kind == "Node":  # nothing but people writes these here
            new["status"] = obj.get("status", old.get("status", {}))
        if not KINDS[key.kind].has_status:
            del new["status"]
        new = completed(state, key, new)
        check_update(key, old, new)
    if key.kind == "Node":
        new = completed(state, key, new)
    return state.put(new)


def patch(state: State, key: ObjectKey, change: JsonObject, subresource: str) -> JsonObject:
    """Change parts of an object by a merge patch."""
    old = state.need(key)
    new = merged(old, change)
    if key_of(new) != key:
        raise invalid(key, "metadata.name: a patch cannot rename an object")
    return update(state, new, subresource)


def apply(state: State, obj: JsonObject) -> JsonObject:
    """Create what does not exist, else merge what is written into what is there."""
    key = _key(obj)
    if state.store.get(key) is None:
        return create(state, obj)
    written = {name: value for name, value in obj.items() if name != "status"}
    return patch(state, key, written, "")


def scale(state: State, key: ObjectKey, replicas: int) -> JsonObject:
    """Set how many replicas a Deployment or ReplicaSet wants."""
    if key.kind not in ("Deployment", "ReplicaSet"):
        raise Refused(404, "NotFound", f"a {key.kind} cannot be scaled")
    if not 0 <= replicas <= _LARGEST_SCALE:
        raise invalid(key, f"spec.replicas: {replicas} must lie between 0 and {_LARGEST_SCALE}")
    return state.put(with_spec(state.need(key), replicas=replicas))


def set_condition(state: State, key: ObjectKey, condition: JsonObject) -> JsonObject:
    """Set one condition of an object's status."""
    if not {"type", "status"} <= condition.keys():
        raise invalid(key, "status.conditions: a condition has a type and a status")
    return state.put(with_condition(state.need(key), condition, state.stamp()))


def delete(
    state: State,
    key: ObjectKey,
    *,
    uid: str = "",
    grace_s: float | None = None,
    orphan: bool = False,
) -> None:
    """Delete an object; a bound pod is marked and goes when its kubelet has stopped it."""
    obj = state.need(key, uid)
    if key.kind == "Pod":
        _delete_pod(state, key, obj, grace_s)
        return
    dependents = state.store.owned_by(uid_of(obj))
    if orphan:
        for dependent in dependents:
            owners = dependent["metadata"]["ownerReferences"]
            left = [owner for owner in owners if owner["uid"] != uid_of(obj)]
            state.put(with_metadata(dependent, ownerReferences=left or None))
    state.remove(key)
    if dependents and not orphan:
        state.after(state.timing.controller_s, Task.COLLECT, key, uid_of(obj))


def _delete_pod(state: State, key: ObjectKey, pod: JsonObject, grace_s: float | None) -> None:
    own_grace_s = float(pod["spec"].get("terminationGracePeriodSeconds", 30))
    grace_s = own_grace_s if grace_s is None else grace_s
    is_finished = pod.get("status", {}).get("phase") in ("Failed", "Succeeded")
    if grace_s == 0 or not pod["spec"].get("nodeName") or is_finished:
        state.remove(key)
        return
    if not pod["metadata"].get("deletionTimestamp"):
        pod = with_metadata(
            pod, deletionTimestamp=state.stamp(grace_s), deletionGracePeriodSeconds=round(grace_s)
        )
        state.put(pod)
    delay_s = min(grace_s, state.timing.stop_s)
    state.after(delay_s, Task.FINISH_POD, key, uid_of(pod))


def _key(obj: JsonObject) -> ObjectKey:
    kind = KINDS.get(str(obj.get("kind")))
    meta = obj.get("metadata") or {}
    if kind is None or not meta.get("name"):
        raise Refused(400, "BadRequest", "an object has a kind this cluster keeps, and a name")
    namespace = meta.get("namespace", "default") if kind.is_namespaced else ""
    return ObjectKey(kind.name, namespace, meta["name"])


def _kept(old: JsonObject, new: JsonObject) -> JsonObject:
    """Return the new metadata with what a client may not write."""
    meta = {**new.get("metadata", {}), "name": old["metadata"]["name"]}
    for name in ("namespace", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"):
        meta.pop(name, None)
        if name in old["metadata"]:
            meta[name] = old["metadata"][name]
    return meta
