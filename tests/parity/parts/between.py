"""What pods ask of each other: affinity, anti-affinity, topology spread."""

from collections.abc import Sequence

from tests.parity.choices import Choices
from tests.parity.parts.scene import (
    HOSTNAME,
    NAMESPACES,
    POD_LABELS,
    RACK,
    TEMPLATE_HASH,
    ZONE,
    Object,
    Scene,
    without_none,
)
from tests.parity.parts.selectors import label_selector, maybe_selector, topology_key

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_KEYS_OF_PODS = (TEMPLATE_HASH, "tier", "nobody-has-it")
_NAMESPACE_LABELS = {"team": ("core", "edge"), "kubernetes.io/metadata.name": NAMESPACES}


def pod_affinity(scene: Scene, labels: Object, *, percent: int) -> Object:
    """Return ``podAffinity`` and ``podAntiAffinity``, each with a chance of `percent`.

    Parameters
    ----------
    scene
        Of the world.
    labels
        Of the pod.
    percent
        How likely each is.
    """
    choices = scene.choices
    made: Object = {}
    for kind in ("podAffinity", "podAntiAffinity"):
        if scene.likely("pod affinity", percent):
            wishes = choices.below(10)
            made[kind] = {}
            if wishes < 8:
                count = choices.one_of((1, 1, 1, 2))
                made[kind][_REQUIRED] = [_term(choices, labels) for _ in range(count)]
            if wishes >= 7:
                count = choices.between(0, 2)
                made[kind][_PREFERRED] = [_weighted(choices, labels) for _ in range(count)]
    return made


def spread(scene: Scene, labels: Object) -> list[Object] | None:
    """Return ``topologySpreadConstraints``, one for each topology key and answer."""
    choices = scene.choices
    if not scene.likely("spread", 75):
        return None
    made: dict[tuple[str, str], Object] = {}
    for _ in range(choices.one_of((1, 1, 2, 3))):
        one = _constraint(choices, labels)
        made[one["topologyKey"], one["whenUnsatisfiable"]] = one
    return list(made.values())


def merged(pod: Object) -> None:
    """Merge ``matchLabelKeys`` into the selectors of a pod, as the API server does."""
    labels, spec = pod["metadata"].get("labels", {}), pod["spec"]
    for term in _terms(spec.get("affinity", {})):
        _merge(term, labels, "matchLabelKeys", "In")
        _merge(term, labels, "mismatchLabelKeys", "NotIn")
    for constraint in spec.get("topologySpreadConstraints", ()):
        _merge(constraint, labels, "matchLabelKeys", "In")


def _selector(choices: Choices, labels: Object) -> Object | None:
    """Return a selector; as often as not of the pod's own fellows, as most people write it."""
    if "app" in labels and choices.happens(55):
        return {"matchLabels": {"app": labels["app"]}}
    return maybe_selector(choices, POD_LABELS)


def _term(choices: Choices, labels: Object) -> Object:
    selector = _selector(choices, labels)
    named = choices.some_of(NAMESPACES, 1, 2) if choices.happens(25) else None
    chosen = label_selector(choices, _NAMESPACE_LABELS) if choices.happens(25) else None
    term = without_none(
        {
            "topologyKey": topology_key(choices),
            "labelSelector": selector,
            "namespaces": named,
            "namespaceSelector": chosen,
        }
    )
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        if selector is not None and choices.happens(12):
            keys = _keys(choices, selector, term.get("matchLabelKeys", ()))
            term |= {field: keys} if keys else {}
    return term


def _weighted(choices: Choices, labels: Object) -> Object:
    return {"weight": choices.between(1, 100), "podAffinityTerm": _term(choices, labels)}


def _constraint(choices: Choices, labels: Object) -> Object:
    is_hard = choices.happens(80)
    selector = _selector(choices, labels)
    keys = _keys(choices, selector) if selector is not None and choices.happens(15) else None
    return without_none(
        {
            "maxSkew": choices.one_of((1, 1, 1, 2, 3)),
            "topologyKey": choices.one_of((ZONE, ZONE, HOSTNAME, RACK)),
            "whenUnsatisfiable": "DoNotSchedule" if is_hard else "ScheduleAnyway",
            "labelSelector": selector,
            "minDomains": choices.between(1, 4) if is_hard and choices.happens(25) else None,
            "nodeAffinityPolicy": choices.one_of((None, None, "Honor", "Ignore")),
            "nodeTaintsPolicy": choices.one_of((None, None, "Honor", "Ignore")),
            "matchLabelKeys": keys or None,
        }
    )


def _keys(choices: Choices, selector: Object, others: Sequence[str] = ()) -> list[str]:
    """Return label keys that neither the selector nor the other list of keys names."""
    named = {*others, *selector.get("matchLabels", ())}
    named |= {one["key"] for one in selector.get("matchExpressions", ())}
    return [key for key in choices.some_of(_KEYS_OF_PODS, 1, 2) if key not in named]


def _terms(affinity: Object) -> list[Object]:
    found: list[Object] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        given = affinity.get(kind, {})
        found.extend(given.get(_REQUIRED, ()))
        found.extend(one["podAffinityTerm"] for one in given.get(_PREFERRED, ()))
    return found


def _merge(term: Object, labels: Object, field: str, operator: str) -> None:
    for key in term.get(field, ()):
        if key in labels:
            asked = {"key": key, "operator": operator, "values": [labels[key]]}
            term["labelSelector"].setdefault("matchExpressions", []).append(asked)
