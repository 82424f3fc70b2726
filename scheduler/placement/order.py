"""In which order classes are decided: references before what refers to them.

Classes that refer to each other in a cycle, and classes that refer to themselves, are placed
together (`scheduler.placement.together`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx

from scheduler.placement.batch import PendingClass


@dataclass(frozen=True, slots=True)
class Stage:
    """Classes decided at once. `circles` are the groups that refer to each other."""

    plain: tuple[PendingClass, ...]
    circles: tuple[tuple[PendingClass, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Stages in order, and for each class the pending classes that refer to it.

    `has_links` says whether anything pending refers to anything pending.
    """

    stages: tuple[Stage, ...]
    dependants: dict[int, tuple[PendingClass, ...]]
    has_links: bool


def order(classes: Sequence[PendingClass]) -> Order:
    """Return the stages: higher priority first, references before their dependants.

    Where nothing pending refers to anything pending, one stage holds all: its flow ranks the
    priorities itself, and so places the most pods of each. Otherwise a reference inherits the
    priority of what refers to it, or a high-priority pod would wait for room that lower ones took
    while its reference was being placed.
    """
    tried = [c for c in classes if not c.problems]
    by_class = {c.pod_class: c for c in tried}
    graph = nx.DiGraph()
    graph.add_nodes_from(c.number for c in tried)
    dependants: dict[int, list[PendingClass]] = {}
    for c in tried:
        for target in (*c.targets, *c.soft_targets):
            for other in sorted(target.classes & by_class.keys(), key=lambda k: by_class[k].number):
                graph.add_edge(by_class[other].number, c.number)
                if by_class[other] is not c:
                    dependants.setdefault(by_class[other].number, []).append(c)
    if tried and not graph.number_of_edges():
        return Order((Stage(tuple(tried), ()),), {}, has_links=False)
    numbered = {c.number: c for c in tried}
    whole = nx.condensation(graph)
    urgency = _inherited(whole, numbered)
    stages = [
        _stage(whole, graph, sorted(generation), numbered)
        for priority in sorted(set(urgency.values()), reverse=True)
        for generation in nx.topological_generations(
            whole.subgraph([k for k, p in urgency.items() if p == priority])
        )
    ]
    return Order(
        tuple(stages),
        {k: tuple(v) for k, v in dependants.items()},
        has_links=graph.number_of_edges() > 0,
    )


def _inherited(whole: "nx.DiGraph", numbered: dict[int, PendingClass]) -> dict[int, int]:
    """Return each component's priority: its own or the highest of what refers to it."""
    out: dict[int, int] = {}
    for k in reversed(list(nx.topological_sort(whole))):
        own = max(numbered[m].pod_class.priority for m in whole.nodes[k]["members"])
        out[k] = max([own, *(out[successor] for successor in whole.successors(k))])
    return out


def _stage(
    whole: "nx.DiGraph",
    graph: "nx.DiGraph",
    generation: list[int],
    numbered: dict[int, PendingClass],
) -> Stage:
    plain: list[PendingClass] = []
    circles: list[tuple[PendingClass, ...]] = []
    for k in generation:
        members = tuple(numbered[m] for m in sorted(whole.nodes[k]["members"]))
        if len(members) > 1 or graph.has_edge(members[0].number, members[0].number):
            circles.append(members)
        else:
            plain.append(members[0])
    return Stage(
        tuple(sorted(plain, key=lambda c: c.number)),
        tuple(sorted(circles, key=lambda m: m[0].number)),
    )
