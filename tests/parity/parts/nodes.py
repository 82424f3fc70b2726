"""Nodes: labels, taints, readiness, images. Their room is made by `tests.parity.parts.amounts`."""

from tests.parity.choices import Choices
from tests.parity.parts.amounts import node_room
from tests.parity.parts.scene import (
    BETA_ZONE,
    DRIVER_ZONES,
    HOSTNAME,
    RACK,
    RACKS,
    REGION,
    REGIONS,
    RESTARTS_ALL,
    ZONE,
    ZONES,
    Object,
    Scene,
    without_none,
)
from tests.parity.parts.selectors import NODE_LABELS

IMAGES = ("registry.example/web:1", "registry.example/db", "cache", "registry.example:5000/web")
"""Images of containers. Nodes name them with a tag, and ``latest`` where none is written."""

_EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")
_MEBIBYTE = 1 << 20


def node(scene: Scene, number: int) -> Object:
    """Return the node ``n<number>``."""
    choices, name = scene.choices, f"n{number}"
    unschedulable = scene.likely("states", 8)
    is_ready = not scene.likely("states", 8)
    taints = [
        *_taints(scene),
        *_state_taints(choices, is_ready=is_ready, is_cordoned=unschedulable),
    ]
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": _labels(choices, name)},
        "spec": without_none({"taints": taints or None, "unschedulable": unschedulable or None}),
        "status": without_none(
            {
                **node_room(scene),
                "conditions": [{"type": "Ready", "status": "True" if is_ready else "Unknown"}],
                "images": _images(choices),
                "declaredFeatures": [RESTARTS_ALL] if scene.likely("states", 60) else None,
            }
        ),
    }


def _labels(choices: Choices, name: str) -> Object:
    labels: Object = _zones(choices)
    if choices.happens(97):
        labels[HOSTNAME] = name if choices.happens(95) else "a-shared-name"
    if choices.happens(50):
        labels[REGION] = choices.one_of(REGIONS)
    if choices.happens(85):
        labels[RACK] = choices.one_of(RACKS)
    if ZONE in labels and choices.happens(30):
        labels |= dict.fromkeys(DRIVER_ZONES, labels[ZONE])
    for key in ("disk", "generation"):
        if choices.happens(70):
            labels[key] = choices.one_of(NODE_LABELS[key])
    return labels


def _zones(choices: Choices) -> Object:
    """Return a zone, seldom also under the label's old key, or there alone."""
    zone, kind = choices.one_of(ZONES), choices.below(20)
    if kind < 17:
        return {ZONE: zone}
    return ({ZONE: zone, BETA_ZONE: zone}, {BETA_ZONE: zone}, {})[kind - 17]


def _taints(scene: Scene) -> list[Object]:
    choices, taints = scene.choices, {}
    if not scene.likely("taints", 55):
        return []
    for _ in range(choices.one_of((1, 1, 2, 3))):
        key, effect = choices.one_of(("dedicated", "gpu")), choices.one_of(_EFFECTS)
        value = choices.one_of((None, "a", "b"))
        taints[key, effect] = without_none({"key": key, "value": value, "effect": effect})
    return list(taints.values())


def _state_taints(choices: Choices, *, is_ready: bool, is_cordoned: bool) -> list[Object]:
    """Return the taints that controllers add, nearly always, a moment after the state changed."""
    taints: list[Object] = []
    if not is_ready and choices.happens(85):
        key = choices.one_of(("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"))
        effects = choices.one_of((("NoSchedule", "NoExecute"), ("NoSchedule",)))
        taints.extend({"key": key, "effect": effect} for effect in effects)
    if is_cordoned and choices.happens(85):
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    return taints


def _images(choices: Choices) -> list[Object] | None:
    held = choices.some_of(IMAGES, 0, 2) if choices.happens(30) else []
    return [
        {
            "names": [name if name.rfind(":") > name.rfind("/") else f"{name}:latest"],
            "sizeBytes": choices.between(10, 900) * _MEBIBYTE,
        }
        for name in held
    ] or None
