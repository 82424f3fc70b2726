"""Pods of each kind, and where the client itself may bind one; encoded once."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.live.scenarios import Kind
from benchmarks.live.wanted import (
    HUGE_CPU,
    NEVER_NAMESPACE,
    POD_CPU,
    POD_MEMORY,
    PODS_NAMESPACE,
    PRESET_NAMESPACE,
    PRIORITY_CLASS,
    ZONES,
    pod_name,
)
from tests.real.objects import pod

ZONE_KEY, HOST_KEY = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
LABEL = "kind"
MAX_SKEW = 5


def namespace_of(kind: Kind) -> str:
    """Return where measured pods of a kind are: what fits nowhere is kept apart from the rest."""
    return NEVER_NAMESPACE if kind == "huge" else PODS_NAMESPACE


def pod_body(number: int, scheduler: str, kind: Kind = "plain") -> bytes:
    """Return a pod to be created for a scheduler.

    All kinds but plain ones carry a label with the kind's name and select by it.
    """
    made = pod(
        pod_name(number),
        cpu=HUGE_CPU if kind == "huge" else POD_CPU,
        memory=POD_MEMORY,
        labels={} if kind == "plain" else {LABEL: kind},
        scheduler=scheduler,
    )
    made["spec"] |= _ASKED[kind]
    return msgspec.json.encode(made)


def node_numbers(kinds: Sequence[Kind], nodes: int) -> list[int]:
    """Return where the client itself may bind a row of pods that are the first of their kinds.

    A node each while there are as many, but affinity shares the first zone, and spread, which in a
    row of several kinds may always meet the same zone, is moved on.
    """
    in_zone = -(-nodes // ZONES)
    before: Counter[Kind] = Counter()
    out = []
    for turn, kind in enumerate(kinds):
        if kind == "affinity":
            out.append(before[kind] % in_zone * ZONES)
        else:
            out.append((turn + (before[kind] if kind == "spread" else 0)) % nodes)
        before[kind] += 1
    return out


def _even(kind: Kind) -> dict[str, Any]:
    return {
        "topologyKey": ZONE_KEY,
        "maxSkew": MAX_SKEW,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {LABEL: kind}},
    }


def _term(kind: Kind, key: str) -> dict[str, Any]:
    return {
        "topologyKey": key,
        "labelSelector": {"matchLabels": {LABEL: kind}},
        # Presets are in a namespace of their own, and count.
        "namespaces": [PODS_NAMESPACE, PRESET_NAMESPACE],
    }


def _wish(kind: Kind) -> dict[str, Any]:
    return {"weight": 1, "podAffinityTerm": _term(kind, HOST_KEY)}


def _affinity(side: str, **terms: list[dict[str, Any]]) -> dict[str, Any]:
    names = {
        "required": "requiredDuringSchedulingIgnoredDuringExecution",
        "preferred": "preferredDuringSchedulingIgnoredDuringExecution",
    }
    return {"affinity": {side: {names[when]: each for when, each in terms.items()}}}


_ASKED: dict[Kind, dict[str, Any]] = {
    "plain": {},
    "spread": {"topologySpreadConstraints": [_even("spread")]},
    "antiaffinity": _affinity("podAntiAffinity", required=[_term("antiaffinity", HOST_KEY)]),
    "affinity": _affinity("podAffinity", required=[_term("affinity", ZONE_KEY)]),
    "prefanti": _affinity("podAntiAffinity", preferred=[_wish("prefanti")]),
    "prefaff": _affinity("podAffinity", preferred=[_wish("prefaff")]),
    "huge": {"priorityClassName": PRIORITY_CLASS},
}
"""What each kind asks for, as fields of a pod's spec."""
