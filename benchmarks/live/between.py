"""What must hold between pods after a run, by a list of what is there and what each pod asks.

Pods were only added. So required affinity of a group to itself never opens a second domain, and the
fewest in a domain only grew: a spread that held at every binding holds at the end.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.real.api import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_SIDES: tuple[tuple[Literal["affinity", "antiaffinity"], str], ...] = (
    ("affinity", "podAffinity"),
    ("antiaffinity", "podAntiAffinity"),
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What some pods ask of those that have all `labels` in `namespaces`, by a label of nodes."""

    what: Literal["spread", "affinity", "antiaffinity"]
    key: str
    labels: frozenset[tuple[str, str]]
    namespaces: tuple[str, ...]
    max_skew: int = 0

    def selects(self, pod: Object) -> bool:
        metadata = pod["metadata"]
        has = metadata.get("labels") or {}
        return metadata["namespace"] in self.namespaces and self.labels <= has.items()

    @property
    def group(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in sorted(self.labels))


def broken_rules(nodes: Iterable[Object], pods: Iterable[Object]) -> list[str]:
    """Return which hard rules between pods do not hold, a sentence each.

    Parameters
    ----------
    nodes, pods
        All of the cluster. Selectors are read as far as the benchmark writes them: labels to match.
    """
    labels = {node["metadata"]["name"]: node["metadata"].get("labels", {}) for node in nodes}
    bound = [pod for pod in pods if pod["spec"].get("nodeName") in labels]
    holders: dict[_Rule, list[Object]] = defaultdict(list)
    for pod in bound:
        for rule in _rules_of(pod):
            holders[rule].append(pod)
    found: list[str] = []
    for rule, held_by in holders.items():
        domains = {name: has.get(rule.key, "") for name, has in labels.items()}
        found += _broken(rule, held_by, [pod for pod in bound if rule.selects(pod)], domains)
    return found


def fitted_after_all(pods: Sequence[Object]) -> list[str]:
    """Return what is wrong with pods that fit nowhere: bound, or never told why they wait."""
    bound = [pod for pod in pods if pod["spec"].get("nodeName")]
    untold = [pod for pod in pods if not _is_told(pod)]
    found = [f"{_name(pod)} fits nowhere and is on {pod['spec']['nodeName']}" for pod in bound]
    if untold:
        found.append(f"{len(untold)} of {len(pods)} pods that fit nowhere are not told so")
    return found


def _broken(
    rule: _Rule,
    holders: Sequence[Object],
    selected: Sequence[Object],
    domains: Mapping[str, str],
) -> list[str]:
    per_domain = dict.fromkeys(sorted(set(domains.values())), 0)
    for pod in selected:
        per_domain[domains[pod["spec"]["nodeName"]]] += 1
    match rule.what:
        case "spread":
            return _uneven(rule, per_domain)
        case "affinity":
            return _apart(rule, per_domain)
        case "antiaffinity":
            return _crowded(rule, holders, per_domain, domains)


def _uneven(rule: _Rule, per_domain: Mapping[str, int]) -> list[str]:
    most, fewest = max(per_domain, key=per_domain.__getitem__), min(per_domain.values())
    if per_domain[most] - fewest <= rule.max_skew:
        return []
    said = f"{most} has {per_domain[most]} pods of {rule.group} and another {rule.key} {fewest}"
    return [f"{said}: more than {rule.max_skew} apart"]


def _apart(rule: _Rule, per_domain: Mapping[str, int]) -> list[str]:
    used = [domain for domain, count in per_domain.items() if count]
    if len(used) == 1:
        return []
    return [f"pods of {rule.group} want one {rule.key} and are in {', '.join(used) or 'none'}"]


def _crowded(
    rule: _Rule,
    holders: Sequence[Object],
    per_domain: Mapping[str, int],
    domains: Mapping[str, str],
) -> list[str]:
    found = {
        domain: f"{domain} has {per_domain[domain]} pods of {rule.group}, and one wants no other"
        for pod in holders
        for domain in [domains[pod["spec"]["nodeName"]]]
        if per_domain[domain] > int(rule.selects(pod))
    }
    return [found[domain] for domain in sorted(found)]


def _rules_of(pod: Object) -> Iterator[_Rule]:
    spec, own = pod["spec"], pod["metadata"]["namespace"]
    for asked in spec.get("topologySpreadConstraints", ()):
        if asked["whenUnsatisfiable"] == "DoNotSchedule":
            labels = _labels(asked)
            yield _Rule("spread", asked["topologyKey"], labels, (own,), asked["maxSkew"])
    for what, side in _SIDES:
        for term in spec.get("affinity", {}).get(side, {}).get(_REQUIRED, ()):
            namespaces = tuple(term.get("namespaces") or (own,))
            yield _Rule(what, term["topologyKey"], _labels(term), namespaces)


def _labels(asked: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(asked["labelSelector"]["matchLabels"].items())


def _is_told(pod: Object) -> bool:
    return any(
        (said["type"], said["status"]) == ("PodScheduled", "False")
        for said in pod.get("status", {}).get("conditions", ())
    )


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
