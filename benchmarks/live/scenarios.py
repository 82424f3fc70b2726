"""Scenarios: what pods ask for, after the workloads of kube-scheduler's own scheduler_perf."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["plain", "spread", "antiaffinity", "affinity", "prefanti", "prefaff", "huge"]
Scenario = Literal[
    "plain", "spread", "antiaffinity", "affinity", "prefanti", "mixed", "unschedulable"
]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)

LARGE_NODES = 5_000
"""From here on plain pods have more presets, and cases fewer repeats."""
NEVER_FITTING = 100
_PLAIN_PODS, _OTHER_PODS = 2_500, 1_500
_MOST_A_NODE = 30
"""Pods of required affinity and their presets share a third of the nodes, of 110 pods each."""
_MIXED_A_NODE = 2
"""A sixth of them, and of as many presets as nodes, want a node each that none of them has."""
_ALONE_SHARE = 0.7
"""Of the nodes: what presets that want a node each, on a fifth of the nodes, leave with spare."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Kinds of a scenario's pods, in turn: of the presets, and of those that are measured."""

    preset: tuple[Kind, ...]
    measured: tuple[Kind, ...]


_PLAIN = Turns(("plain",), ("plain",))
_EACH: tuple[Kind, ...] = ("plain", "spread", "antiaffinity", "affinity", "prefanti", "prefaff")

TURNS: dict[Scenario, Turns] = {
    "plain": _PLAIN,
    # Spread looks at the pod's own namespace alone: presets are load, and count in no domain.
    "spread": Turns(("plain",), ("spread",)),
    "antiaffinity": Turns(("antiaffinity",), ("antiaffinity",)),
    "affinity": Turns(("affinity",), ("affinity",)),
    "prefanti": Turns(("prefanti",), ("prefanti",)),
    "mixed": Turns(_EACH, _EACH),
    "unschedulable": _PLAIN,
}


def presets_of(scenario: Scenario, nodes: int) -> int:
    """Return how many pods are bound beforehand: as many as in the baseline at its two sizes."""
    match scenario:
        case "plain":
            return 1_000 if nodes >= LARGE_NODES else 500
        case "antiaffinity":
            return nodes // 5
        case "unschedulable":
            return 0
        case "spread" | "affinity" | "prefanti" | "mixed":
            return nodes


def pods_of(scenario: Scenario, nodes: int, asked: int) -> int:
    """Return how many pods are measured.

    Parameters
    ----------
    scenario, nodes
        Few nodes take no more than fit by the scenario's rules.
    asked
        0 for the scenario's own number.
    """
    wanted = asked or (_PLAIN_PODS if scenario == "plain" else _OTHER_PODS)
    match scenario:
        case "antiaffinity":
            return min(wanted, int(nodes * _ALONE_SHARE))
        case "mixed":
            return min(wanted, nodes * _MIXED_A_NODE)
        case "plain" | "spread" | "affinity" | "prefanti" | "unschedulable":
            return min(wanted, nodes * _MOST_A_NODE)


def never_fitting_of(scenario: Scenario) -> int:
    """Return how many pods are in the queue that fit nowhere, beside those measured."""
    return NEVER_FITTING if scenario == "unschedulable" else 0


def sequence(kinds: tuple[Kind, ...], count: int, never_fitting: int = 0) -> list[Kind]:
    """Return the kind of each pod, in the order of their creation.

    Parameters
    ----------
    kinds
        In turn.
    count
        How many of them.
    never_fitting
        How many more are ``huge``, evenly between them.
    """
    total = count + never_fitting
    out: list[Kind] = []
    for turn in range(total):
        before = turn * never_fitting // total
        is_huge = (turn + 1) * never_fitting // total > before
        out.append("huge" if is_huge else kinds[(turn - before) % len(kinds)])
    return out
