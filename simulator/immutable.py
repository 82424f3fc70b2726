"""What may not be changed of an object once it is there."""

from simulator.change import JsonObject, ObjectKey, invalid

_POD_RULE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)
_FREE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
_WHILE_GATED = ("nodeSelector", "affinity")


def check_update(key: ObjectKey, old: JsonObject, new: JsonObject) -> None:
    """Refuse an update of what its kind does not let change.

    Raises
    ------
    Refused
        422, naming the field.
    """
    if key.kind == "Pod":
        _check_pod(key, old["spec"], new["spec"])
    is_selecting = key.kind in ("Deployment", "ReplicaSet")
    if is_selecting and new["spec"].get("selector") != old["spec"].get("selector"):
        raise invalid(key, "spec.selector: field is immutable")


def _check_pod(key: ObjectKey, old: JsonObject, new: JsonObject) -> None:
    if new.get("nodeName") != old.get("nodeName"):
        raise invalid(key, "spec: a pod is bound by a Binding and never moved")
    if _fixed(old) != _fixed(new):
        raise invalid(key, f"spec: {_POD_RULE}")
    if any(toleration not in new["tolerations"] for toleration in old["tolerations"]):
        raise invalid(key, f"spec: {_POD_RULE}")
    gates = old.get("schedulingGates") or []
    if any(gate not in gates for gate in new.get("schedulingGates") or ()):
        raise invalid(key, "spec.schedulingGates: Forbidden: only deletion is allowed")
    if not gates and any(old.get(name) != new.get(name) for name in _WHILE_GATED):
        raise invalid(key, f"spec: {_POD_RULE}")


def _fixed(spec: JsonObject) -> JsonObject:
    """Return what never changes; fields that are empty count as not there."""
    free = (*_FREE, *_WHILE_GATED)
    out = {name: value for name, value in spec.items() if name not in free}
    for part in ("containers", "initContainers"):
        if part in out:
            out[part] = [{**container, "image": ""} for container in out[part]]
    return out
