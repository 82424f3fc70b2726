"""Label selectors and node selector terms."""

from collections.abc import Mapping, Sequence

from tests.parity.choices import Choices
from tests.parity.parts.scene import (
    HOSTNAME,
    INDEX,
    POD_LABELS,
    RACK,
    RACKS,
    TEMPLATE_HASH,
    ZONE,
    ZONES,
    Object,
)

NODE_LABELS: Mapping[str, tuple[str, ...]] = {
    "disk": ("ssd", "hdd"),
    RACK: RACKS,
    ZONE: ZONES,
    "generation": ("4", "10", "007", "new", "1_0", "99999999999999999999"),
}
"""Labels that node selector terms ask for, and the values nodes have: numbers, and near ones."""

_LIMITS = ("3", "0", "10", "6", "1.5", "x", "99999999999999999999")
"""What `Gt` and `Lt` compare with. The API server takes what is no number; it matches nothing."""


def label_selector(choices: Choices, labels: Mapping[str, Sequence[str]] = POD_LABELS) -> Object:
    """Return a label selector; now and then the empty one, which selects everything."""
    if choices.happens(8):
        return {}
    rare = {INDEX} if choices.happens(90) else set()
    keys = [key for key in labels if key != TEMPLATE_HASH and key not in rare]
    chosen = choices.some_of(keys, 1, 2)
    made: Object = {}
    for key in chosen:
        if choices.happens(40):
            made.setdefault("matchExpressions", []).append(_expression(choices, key, labels[key]))
        else:
            made.setdefault("matchLabels", {})[key] = choices.one_of(labels[key])
    if labels is POD_LABELS and choices.happens(4):
        # Only after they are bound do pods carry this label.
        made.setdefault("matchLabels", {})[ZONE] = choices.one_of(ZONES)
    return made


def maybe_selector(choices: Choices, labels: Mapping[str, Sequence[str]]) -> Object | None:
    """Return a label selector, or now and then none, which selects nothing."""
    return None if choices.happens(6) else label_selector(choices, labels)


def node_terms(choices: Choices, nodes: Sequence[str]) -> list[Object]:
    """Return one to three node selector terms; now and then an empty one, which matches nothing."""
    return [node_term(choices, nodes) for _ in range(choices.one_of((1, 1, 2, 3)))]


def node_term(choices: Choices, nodes: Sequence[str]) -> Object:
    """Return a node selector term of label expressions, fields, both, or nothing."""
    kind = choices.below(20)
    term: Object = {}
    if kind < 16:
        chosen = choices.some_of(tuple(NODE_LABELS), 1, 2)
        term["matchExpressions"] = [_node_expression(choices, key) for key in chosen]
    if kind >= 14:
        term["matchFields"] = [_field(choices, nodes) for _ in range(choices.one_of((1, 1, 2)))]
    if kind == 19:
        term = choices.one_of(({}, {"matchExpressions": []}))
    return term


def pod_labels(choices: Choices) -> Object:
    """Return labels of a pod."""
    made = {key: choices.one_of(POD_LABELS[key]) for key in ("app", "tier") if choices.happens(85)}
    if choices.happens(35):
        made["app"] = POD_LABELS["app"][0]
    made |= {
        key: choices.one_of(POD_LABELS[key])
        for key in (TEMPLATE_HASH, INDEX)
        if choices.happens(20)
    }
    return made


def _expression(choices: Choices, key: str, values: Sequence[str]) -> Object:
    operator = choices.one_of(("In", "NotIn", "Exists", "DoesNotExist"))
    if operator in ("In", "NotIn"):
        return {"key": key, "operator": operator, "values": choices.some_of(values, 1, 2)}
    return {"key": key, "operator": operator}


def _node_expression(choices: Choices, key: str) -> Object:
    if key == "generation" and choices.happens(80):
        operator = choices.one_of(("Gt", "Lt"))
        return {"key": key, "operator": operator, "values": [choices.one_of(_LIMITS)]}
    return _expression(choices, key, NODE_LABELS[key])


def _field(choices: Choices, nodes: Sequence[str]) -> Object:
    operator = choices.one_of(("In", "In", "NotIn"))
    name = choices.one_of((*nodes, "gone")) if choices.happens(30) else choices.one_of(nodes)
    return {"key": "metadata.name", "operator": operator, "values": [name]}


def topology_key(choices: Choices) -> str:
    """Return a label that divides nodes into domains."""
    return choices.one_of((ZONE, HOSTNAME, RACK))
