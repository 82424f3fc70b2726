"""Whether a node is one a pod asks for: nodeSelector and required node affinity."""

from simulator.change import JsonObject


def is_wanted_node(pod: JsonObject, node: JsonObject) -> bool:
    """Whether a node meets a pod's nodeSelector and one of its required affinity terms."""
    labels = node["metadata"].get("labels", {})
    spec = pod["spec"]
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    name = {"metadata.name": node["metadata"]["name"]}
    return any(_meets(term, labels, name) for term in required.get("nodeSelectorTerms", ()))


def _meets(term: JsonObject, labels: dict[str, str], fields: dict[str, str]) -> bool:
    on_labels = term.get("matchExpressions") or ()
    on_fields = term.get("matchFields") or ()
    if not on_labels and not on_fields:
        return False  # an empty term matches nothing
    return all(_holds(e, labels) for e in on_labels) and all(_holds(e, fields) for e in on_fields)


def _holds(expression: JsonObject, values: dict[str, str]) -> bool:
    have = values.get(expression["key"])
    named = expression.get("values") or []
    match expression["operator"]:
        case "In":
            return have in named
        case "NotIn":
            return have not in named
        case "Exists":
            return have is not None
        case "DoesNotExist":
            return have is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, have, named)
        case _:
            return False


def _compares(operator: str, have: str | None, named: list[str]) -> bool:
    try:
        left, right = int(have or ""), int(named[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right
