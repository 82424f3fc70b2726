"""Which nodes a pod asks for: node selector, node affinity, tolerations."""

from collections.abc import Sequence

from tests.parity.choices import Choices
from tests.parity.parts.scene import Object, Scene, without_none
from tests.parity.parts.selectors import NODE_LABELS, node_term, node_terms

_EFFECTS = (None, None, "NoSchedule", "NoExecute", "PreferNoSchedule")
_STATE_KEYS = (
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
)


def node_selector(scene: Scene) -> Object | None:
    """Return ``spec.nodeSelector``."""
    choices = scene.choices
    if not scene.likely("node choice", 45):
        return None
    if choices.happens(5):
        return {}
    keys = choices.some_of(tuple(NODE_LABELS), 1, 2 if choices.happens(20) else 1)
    return {key: choices.one_of(NODE_LABELS[key]) for key in keys}


def node_affinity(scene: Scene, nodes: Sequence[str]) -> Object | None:
    """Return ``affinity.nodeAffinity``."""
    choices = scene.choices
    if not scene.likely("node choice", 75):
        return None
    made: Object = {}
    if choices.happens(90):
        made["requiredDuringSchedulingIgnoredDuringExecution"] = {
            "nodeSelectorTerms": node_terms(choices, nodes)
        }
    if choices.happens(30):
        made["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": choices.between(1, 100), "preference": node_term(choices, nodes)}
            for _ in range(choices.between(0, 2))
        ]
    return made


def tolerations(scene: Scene) -> list[Object] | None:
    """Return ``spec.tolerations``."""
    choices = scene.choices
    made: list[Object] = []
    if scene.likely("taints", 75):
        made.extend(_toleration(choices) for _ in range(choices.between(1, 3)))
    if scene.likely("states", 30):
        made.append(_toleration_of(choices, choices.one_of(_STATE_KEYS)))
    return made or None


def _toleration(choices: Choices) -> Object:
    kind = choices.below(12)
    if kind == 11:
        return without_none({"operator": "Exists", "effect": choices.one_of(_EFFECTS)})
    return _toleration_of(choices, choices.one_of(("dedicated", "gpu")))


def _toleration_of(choices: Choices, key: str) -> Object:
    effect = choices.one_of(_EFFECTS)
    made: Object = {"key": key, "effect": effect}
    if choices.happens(45):
        made["operator"] = "Exists"
    else:
        made["operator"] = choices.one_of((None, "Equal"))
        made["value"] = choices.one_of(("a", "b", None, ""))
    if effect == "NoExecute" and choices.happens(40):
        made["tolerationSeconds"] = choices.one_of((0, 300))
    return without_none(made)
