"""The drawn apps as Kubernetes objects."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.change import JsonObject
from simulator.podgen.draw import App
from simulator.podgen.mix import Mix

GANG_LABEL = "scheduling.x-k8s.io/pod-group"
"""Of scheduler-plugins' coscheduling: the PodGroup a pod belongs to."""

ARRIVAL = "isochrone.dev/arrives-after"
"""When a pod arrives, after the first: ``1.234s``."""

DELAY = "isochrone.dev/delay"
_TOPOLOGIES = {"hostname": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
_AFFINITIES = {"apart": "podAntiAffinity", "together": "podAffinity"}
_MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """An object and when it arrives, seconds after the first."""

    obj: JsonObject
    arrives_s: float = 0.0


def priority_classes(mix: Mix) -> list[JsonObject]:
    """Return a PriorityClass for each priority but 0: admission takes a priority no other way."""
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": _class_name(value)},
            "value": value,
        }
        for value in sorted(value for value, _ in mix.priorities)
        if value
    ]


def pod_group(mix: Mix, app: App) -> JsonObject:
    """Return the PodGroup of a gang."""
    return {
        "apiVersion": "scheduling.x-k8s.io/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": app.name, "namespace": mix.namespace},
        "spec": {"minMember": app.size},
    }


def pods(mix: Mix, app: App, *, tells_arrival: bool) -> Iterator[Made]:
    """Yield the pods of an app in the order in which they arrive.

    With `tells_arrival` each says in an annotation when it does.
    """
    for k, arrives_s in enumerate(app.arrives_s):
        annotations = _delay(app)
        if tells_arrival and mix.arrival != "batch":
            annotations[ARRIVAL] = f"{arrives_s:.3f}s"
        metadata: JsonObject = {
            "name": f"{app.name}-{k}",
            "namespace": mix.namespace,
            "labels": {"app": app.name, **({GANG_LABEL: app.name} if app.is_gang else {})},
        }
        if annotations:
            metadata["annotations"] = annotations
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _spec(mix, app)}
        yield Made(obj, arrives_s)


def objects(mix: Mix, app: App, *, tells_arrival: bool) -> Iterator[Made]:
    """Yield all objects of an app, its PodGroup before its pods."""
    if app.is_gang:
        yield Made(pod_group(mix, app), app.arrives_s[0])
    yield from pods(mix, app, tells_arrival=tells_arrival)


def _spec(mix: Mix, app: App) -> JsonObject:
    requests = {}
    if app.cpu_milli:
        requests["cpu"] = f"{app.cpu_milli}m"
    if app.memory_bytes:
        requests["memory"] = _memory(app.memory_bytes)
    spec: JsonObject = {
        "schedulerName": mix.scheduler_name,
        "containers": [{"name": "main", "image": mix.image, "resources": {"requests": requests}}],
    }
    if app.priority:
        spec["priorityClassName"] = _class_name(app.priority)
    if app.affinity:
        term = {
            "labelSelector": {"matchLabels": {"app": app.name}},
            "topologyKey": _TOPOLOGIES[mix.topology],
        }
        required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        spec["affinity"] = {_AFFINITIES[app.affinity]: required}
    return spec


def _delay(app: App) -> dict[str, str]:
    if not app.reference:
        return {}
    within = f"{app.within_us / 1000:.3f}".rstrip("0").rstrip(".")
    return {DELAY: f"- {{to: {app.reference}, within: {within}ms}}"}


def _memory(amount: int) -> str:
    return f"{amount // _MEBI}Mi" if amount % _MEBI == 0 else str(amount)


def _class_name(value: int) -> str:
    return f"podgen-{value}" if value >= 0 else f"podgen-minus-{-value}"
