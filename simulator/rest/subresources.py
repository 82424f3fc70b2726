"""What hangs on an object: bindings, evictions, scale; and what only containers could answer."""

from simulator.change import JsonObject, Refused, conflict, not_found
from simulator.command import Bind, Scale
from simulator.rest.answers import bad_request, success
from simulator.rest.bodies import check_place, read_object
from simulator.rest.registry import Registry
from simulator.rest.resources import Target
from simulator.rest.writing import Sent, executed, options_of

SCALE = ("Scale", "autoscaling/v1")


def bind(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Bind a pod to a node.

    Raises
    ------
    Refused
        As `simulator.binding.bind`.
    """
    said = check_place(target, read_object(sent.body, sent.content_type, "Binding", "v1"))
    node = said.get("target") or {}
    if not isinstance(node, dict) or node.get("kind", "Node") not in ("", "Node"):
        raise Refused(422, "Invalid", 'Binding "" is invalid: target.kind: must be Node')
    annotations = said["metadata"].get("annotations") or {}
    if not isinstance(annotations, dict):
        raise bad_request("Binding: metadata.annotations must be a map")
    command = Bind(
        target.namespace,
        target.name,
        str(node.get("name") or ""),
        str(said["metadata"].get("uid") or ""),
        tuple((str(name), str(value)) for name, value in annotations.items()),
    )
    executed(registry, command)
    return success(code=201)


def evict(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Evict a pod: there are no disruption budgets here, so it is a deletion."""
    said = read_object(sent.body, sent.content_type, "Eviction", "policy/v1")
    options = said.get("deleteOptions") or {}
    if not isinstance(options, dict):
        raise bad_request("Eviction: deleteOptions must be an object")
    check_place(target, said)
    registry.running.execute(options_of(options, sent.query).command(target))
    return success(code=201)


def scale_of(registry: Registry, target: Target) -> JsonObject:
    """Return the Scale of a Deployment or ReplicaSet."""
    obj = registry.running.cluster.get(target.key)
    if obj is None:
        raise not_found(target.key)
    return _scale(obj)


def replace_scale(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Set the replicas of a Deployment or ReplicaSet; return its Scale."""
    said = read_object(sent.body, sent.content_type, *SCALE)
    return set_scale(registry, target, said)


def set_scale(registry: Registry, target: Target, said: JsonObject) -> JsonObject:
    """Set the replicas a Scale asks for, if its resourceVersion is the object's; return it."""
    obj = registry.running.cluster.get(target.key)
    if obj is None:
        raise not_found(target.key)
    meta = said.get("metadata")
    if not isinstance(meta, dict):
        raise bad_request("Scale: metadata must be an object")
    version = meta.get("resourceVersion")
    if version and version != obj["metadata"]["resourceVersion"]:
        text = "the object has been modified; please apply your changes to the latest version"
        raise conflict(target.key, f"{text} and try again")
    spec = said.get("spec") or {}
    replicas = spec.get("replicas", 0) if isinstance(spec, dict) else None
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise bad_request("Scale: spec.replicas must be a whole number")
    return _scale(executed(registry, Scale(target.key, replicas)))


def no_containers(target: Target) -> Refused:
    """Return the refusal of what would need containers that run."""
    what = {"log": "logs"}.get(target.subresource, target.subresource)
    return bad_request(
        f'no {what} of pod "{target.name}": the embedded cluster imitates kubelets and runs no '
        "containers; kubectl describe and kubectl get events tell what happened"
    )


def _scale(obj: JsonObject) -> JsonObject:
    meta, spec = obj["metadata"], obj["spec"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    kind, api_version = SCALE
    return {
        "kind": kind,
        "apiVersion": api_version,
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in labels.items()),
        },
    }
