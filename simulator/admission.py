"""What the embedded API server adds to a new object, and what it does not let in."""

import re
from collections.abc import Callable

from simulator.change import JsonObject, ObjectKey, Refused, invalid, key_of, not_found
from simulator.demand import pod_demand, quantity
from simulator.kinds import KINDS
from simulator.selectors import is_wanted_node
from simulator.state import State
from simulator.status import with_metadata, with_spec, with_status
from simulator.taints import NOT_READY, UNREACHABLE, tolerates

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_ALLOWANCE = re.compile(r"[0-9]{1,9}|[0-9]{1,3}%")
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_BASE = 58  # a generated name is the base and five letters, at most 63 characters
_FIRST_STATUS: dict[str, JsonObject] = {
    "Pod": {"phase": "Pending"},
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "Service": {"loadBalancer": {}},
    "Namespace": {"phase": "Active"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Available"},
}
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def admitted(state: State, obj: JsonObject) -> JsonObject:
    """Return a new object as the API server would store it.

    Raises
    ------
    Refused
        If the kind is not served, the namespace is missing, or the object breaks its kind's rules.
    """
    kind = KINDS.get(str(obj.get("kind")))
    if kind is None or obj.get("apiVersion") != kind.api_version:
        what = f"{obj.get('apiVersion')}/{obj.get('kind')}"
        raise Refused(404, "NotFound", f"the server could not find the requested resource: {what}")
    meta = dict(obj.get("metadata") or {})
    if kind.is_namespaced:
        meta.setdefault("namespace", "default")
    else:
        meta.pop("namespace", None)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = _generated(state, kind.name, meta)
    meta.pop("resourceVersion", None)
    out = {**obj, "metadata": meta}
    if kind.has_status and kind.name != "Node":
        out["status"] = dict(_FIRST_STATUS.get(kind.name, {}))
    key = key_of(out)
    _check_metadata(state, key, out)
    return completed(state, key, out)


def completed(state: State, key: ObjectKey, obj: JsonObject) -> JsonObject:
    """Return an object with its kind's defaults filled in.

    Raises
    ------
    Refused
        422 if it breaks its kind's rules.
    """
    complete = _COMPLETE.get(key.kind)
    if complete is None:
        return obj
    try:
        return complete(state, key, obj)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A field of another JSON type than its kind has: a real API server cannot decode it either.
        message = f"{key.kind} in version {obj.get('apiVersion')!r} cannot be handled: {error}"
        raise Refused(400, "BadRequest", message) from None


def _generated(state: State, kind: str, meta: JsonObject) -> str:
    base = str(meta["generateName"])[:_LONGEST_BASE]
    while True:
        name = f"{base}{state.store.new_suffix()}"
        if state.store.get(ObjectKey(kind, meta.get("namespace", ""), name)) is None:
            return name


def is_qualified_name(text: str) -> bool:
    """Whether a text names a label, a controller, …: a name, a DNS prefix before it at most."""
    prefix, slash, name = text.rpartition("/")
    if len(name) > _LONGEST_LABEL or _PART.fullmatch(name) is None:
        return False
    return not slash or (len(prefix) <= _LONGEST_NAME and _NAME.fullmatch(prefix) is not None)


def checked_quantities(key: ObjectKey, where: str, amounts: object) -> None:
    """Refuse amounts that are not quantities of at least zero."""
    if not isinstance(amounts, dict):
        raise invalid(key, f"{where}: must be a map of resources")
    for name, text in amounts.items():
        try:
            value = quantity(text)
        except ValueError as error:
            raise invalid(key, f"{where}.{name}: {error}") from None
        if value < 0:
            raise invalid(key, f"{where}.{name}: must be greater than or equal to 0")


def _check_metadata(state: State, key: ObjectKey, obj: JsonObject) -> None:
    if len(key.name) > _LONGEST_NAME or _NAME.fullmatch(key.name) is None:
        raise invalid(key, "metadata.name: must be a lowercase RFC 1123 subdomain")
    if key.namespace and state.store.get(ObjectKey("Namespace", "", key.namespace)) is None:
        raise not_found(ObjectKey("Namespace", "", key.namespace))
    labels = obj["metadata"].get("labels") or {}
    if not isinstance(labels, dict):
        raise invalid(key, "metadata.labels: must be a map")
    for name, value in labels.items():
        _check_label(key, str(name), value)


def _check_label(key: ObjectKey, name: str, value: object) -> None:
    if len(name.rpartition("/")[2]) > _LONGEST_LABEL:
        raise invalid(key, f"metadata.labels: {name}: name part must be no more than 63 characters")
    if not is_qualified_name(name):
        raise invalid(key, f"metadata.labels: {name}: is not a qualified name")
    is_legal = isinstance(value, str) and len(value) <= _LONGEST_LABEL
    if not is_legal or _LABEL_VALUE.fullmatch(str(value)) is None:
        raise invalid(key, f"metadata.labels: {name}: {value!r} is not a label value")


def _pod(state: State, key: ObjectKey, pod: JsonObject) -> JsonObject:
    containers = pod.get("spec", {}).get("containers")
    if not isinstance(containers, list) or not containers:
        raise invalid(key, "spec.containers: Required value")
    spec = dict(pod["spec"])
    spec["containers"] = [_container(key, c) for c in containers]
    if "initContainers" in spec:
        spec["initContainers"] = [_container(key, c) for c in spec["initContainers"]]
    checked_quantities(key, "spec.overhead", spec.get("overhead", {}))
    _check_resources(key, spec)
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec["tolerations"] = _tolerations(spec, state.timing.toleration_s)
    status = {**pod.get("status", {}), "qosClass": _quality(spec)}
    out = {**pod, "spec": spec, "status": status}
    _check_readable(key, out)
    return out


def _check_readable(key: ObjectKey, pod: JsonObject) -> None:
    """Read a pod as kubelets and controllers will: they must never meet what they cannot read."""
    spec = pod["spec"]
    pod_demand(pod)
    is_wanted_node(pod, {"metadata": {"name": "", "labels": {}}})
    stays_s = [t.get("tolerationSeconds") for t in spec["tolerations"]]
    for seconds in (spec["terminationGracePeriodSeconds"], *stays_s):
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
            raise invalid(key, f"spec: {seconds!r} is not a whole number of seconds")


def _container(key: ObjectKey, container: JsonObject) -> JsonObject:
    """Return a container whose missing requests are its limits, as the API server's defaults."""
    _check_resources(key, container)
    container = _with_protocols(container)
    resources = container.get("resources") or {}
    limits = resources.get("limits")
    if not limits:
        return container
    requests = {**limits, **(resources.get("requests") or {})}
    return {**container, "resources": {**resources, "requests": requests}}


def _with_protocols(container: JsonObject) -> JsonObject:
    ports = container.get("ports")
    if not ports:
        return container
    return {**container, "ports": [{"protocol": "TCP", **port} for port in ports]}


def _check_resources(key: ObjectKey, holder: JsonObject) -> None:
    resources = holder.get("resources") or {}
    if not isinstance(resources, dict):
        raise invalid(key, "resources: must be a map")
    for part in ("requests", "limits"):
        checked_quantities(key, f"resources.{part}", resources.get(part) or {})


def _tolerations(spec: JsonObject, toleration_s: float) -> list[JsonObject]:
    """Add what the DefaultTolerationSeconds admission plugin adds."""
    tolerations = list(spec.get("tolerations") or ())
    for taint_key in (NOT_READY, UNREACHABLE):
        taint = {"key": taint_key, "effect": "NoExecute"}
        if not any(tolerates(t, taint) for t in tolerations):
            tolerations.append(
                {**taint, "operator": "Exists", "tolerationSeconds": round(toleration_s)}
            )
    return tolerations


def _quality(spec: JsonObject) -> str:
    """Return the quality-of-service class of a pod."""
    named = [c.get("resources") or {} for c in spec["containers"]]
    if not any(r.get("requests") or r.get("limits") for r in named):
        return "BestEffort"
    for resources in named:
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        if any(
            name not in limits or limits[name] != requests.get(name) for name in ("cpu", "memory")
        ):
            return "Burstable"
    return "Guaranteed"


def _deployment(state: State, key: ObjectKey, obj: JsonObject) -> JsonObject:
    obj = _replicated(state, key, obj)
    strategy = obj["spec"].get("strategy") or {}
    if strategy.get("type", "RollingUpdate") == "RollingUpdate":
        rolling = {"maxSurge": "25%", "maxUnavailable": "25%"} | (
            strategy.get("rollingUpdate") or {}
        )
        strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
        for name, value in rolling.items():
            if _ALLOWANCE.fullmatch(str(value)) is None:
                raise invalid(
                    key, f"spec.strategy.rollingUpdate.{name}: {value!r} is no number or %"
                )
    return with_spec(obj, strategy=strategy)


def _replicated(state: State, key: ObjectKey, obj: JsonObject) -> JsonObject:
    spec = obj.get("spec") or {}
    template = spec.get("template") or {}
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        raise invalid(key, "spec.selector: Required value")
    if not selector.items() <= labels.items():
        raise invalid(
            key, "spec.template.metadata.labels: `selector` does not match template labels"
        )
    _pod(state, key, {"metadata": {}, "spec": template.get("spec") or {}})  # for its refusals
    for name, value in labels.items():
        _check_label(key, str(name), value)
    inner = {**template["spec"]}
    inner["containers"] = [_with_protocols(container) for container in inner["containers"]]
    replicas = _replicas(key, spec.get("replicas"))
    return with_spec(obj, replicas=replicas, template={**template, "spec": inner})


def _replicas(key: ObjectKey, value: object) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid(key, f"spec.replicas: {value!r} must be a whole number of at least 0")
    return value


def _node(state: State, key: ObjectKey, node: JsonObject) -> JsonObject:
    status = node.get("status") or {}
    for part in ("capacity", "allocatable"):
        checked_quantities(key, f"status.{part}", status.get(part, {}))
    allocatable = status.get("allocatable", status.get("capacity", {}))
    labels = {"kubernetes.io/hostname": key.name} | (node["metadata"].get("labels") or {})
    # The imitation kubelets write no times of their own; kubectl describe would show the year 1.
    since = {"lastHeartbeatTime": state.stamp(), "lastTransitionTime": state.stamp()}
    conditions = [{**since, **condition} for condition in status.get("conditions") or ()]
    out = with_status(
        {**node, "spec": node.get("spec") or {}}, allocatable=allocatable, conditions=conditions
    )
    return with_metadata(out, labels=labels)


def _service(_: State, __: ObjectKey, service: JsonObject) -> JsonObject:
    spec = {"type": "ClusterIP", "clusterIP": "None"} | (service.get("spec") or {})
    if spec.get("ports"):
        ports = [{"protocol": "TCP", "targetPort": p["port"], **p} for p in spec["ports"]]
        spec["ports"] = ports
    return {**service, "spec": spec}


def _namespace(_: State, key: ObjectKey, namespace: JsonObject) -> JsonObject:
    labels = {
        **(namespace["metadata"].get("labels") or {}),
        "kubernetes.io/metadata.name": key.name,
    }
    return with_metadata(namespace, labels=labels)


_COMPLETE: dict[str, Callable[[State, ObjectKey, JsonObject], JsonObject]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replicated,
    "Node": _node,
    "Service": _service,
    "Namespace": _namespace,
}
