"""In which order classes are decided: references before what refers to them.

Classes that refer to each other in a cycle, and classes that refer to themselves, are placed
together (`scheduler.placement.together`). Classes whose rules count what this decision places are
*ruled*: they come after the classes they count, and are filled one by one
(`scheduler.placement.filling.fill`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import networkx as nx

from scheduler.placement.batch import PendingClass
from scheduler.placement.between.rules import Rules

_Rank = tuple[int, bool, bool]
"""Priority; whether a node is nominated, whose room is kept from others of the priority; and
whether it is of a gang, which is chosen to be placed whole."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Classes decided at once: circles first, then ruled classes in order, then plain ones.

    `circles` are the groups that refer to each other. `priority` is that of the stage, where it has
    one of its own.
    """

    plain: tuple[PendingClass, ...]
    circles: tuple[tuple[PendingClass, ...], ...] = ()
    ruled: tuple[PendingClass, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Stages in order, and for each class the pending classes that refer to it.

    `has_links` says whether anything pending refers to anything pending, `has_rules` whether any
    class is ruled.
    """

    stages: tuple[Stage, ...]
    dependants: dict[int, tuple[PendingClass, ...]]
    has_links: bool
    has_rules: bool = False


def order(classes: Sequence[PendingClass], rules: Rules, *, is_by_priority: bool = False) -> Order:
    """Return the stages: higher priority first, references before their dependants.

    Where nothing pending refers to anything pending, nor counts it, one stage holds all: its flow
    ranks the priorities itself, and so places the most pods of each. Otherwise a reference inherits
    the priority of what refers to it, or a high-priority pod would wait for room that lower ones
    took while its reference was being placed. Being counted alone is no reason to go first. Of one
    priority, pods with a nominated node do, then gangs. With `is_by_priority` each priority has its
    stages.
    """
    tried = [c for c in classes if not c.problems]
    links, dependants = _links(tried)
    is_ruled = {c.number for c in tried if rules.is_live(c.number)}
    if tried and not links.number_of_edges() and not is_ruled and not is_by_priority:
        return Order((Stage(tuple(tried)),), {}, has_links=False)
    numbered = {c.number: c for c in tried}
    graph = _with_counted(links, rules, numbered, is_ruled)
    whole = nx.condensation(graph)
    urgency = _inherited(whole, numbered)
    layout = _Layout(whole, links, numbered, is_ruled)
    stages = [
        replace(stage, priority=rank[0])
        for rank in sorted(set(urgency.values()), reverse=True)
        for stage in layout.stages([k for k, r in urgency.items() if r == rank])
    ]
    has_links = links.number_of_edges() > 0
    return Order(tuple(stages), dependants, has_links, has_rules=bool(is_ruled))


def _links(
    tried: Sequence[PendingClass],
) -> tuple["nx.DiGraph", dict[int, tuple[PendingClass, ...]]]:
    """Return which class refers to which, and by class those that refer to it."""
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
    return graph, {k: tuple(v) for k, v in dependants.items()}


def _with_counted(
    links: "nx.DiGraph", rules: Rules, numbered: dict[int, PendingClass], is_ruled: set[int]
) -> "nx.DiGraph":
    """Add to who refers to whom which classes are counted by others, and so go before them.

    One of lower priority does so only where the other can go nowhere without it: it would take the
    room, or the place, that the other could have.
    """
    whole = nx.condensation(links)
    inherited = _inherited(whole, numbered)
    urgency = {m: inherited[k] for k in whole for m in whole.nodes[k]["members"]}
    graph = links.copy()
    for number in sorted(is_ruled):
        needed = rules.needed.get(number, set())
        for k in sorted(rules.before.get(number, set())):
            if k in links and (k in needed or urgency[k][0] >= urgency[number][0]):
                graph.add_edge(k, number)
    return graph


def _rank(pending: PendingClass) -> _Rank:
    priority, is_gang = pending.rank
    return priority, bool(pending.pod_class.nominated_node), is_gang


def _inherited(whole: "nx.DiGraph", numbered: dict[int, PendingClass]) -> dict[int, _Rank]:
    """Return each component's rank: its own or the highest of what refers to it."""
    out: dict[int, _Rank] = {}
    for k in reversed(list(nx.topological_sort(whole))):
        own = max(_rank(numbered[m]) for m in whole.nodes[k]["members"])
        out[k] = max([own, *(out[successor] for successor in whole.successors(k))])
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """What stages are made of."""

    whole: "nx.DiGraph"
    links: "nx.DiGraph"
    numbered: dict[int, PendingClass]
    is_ruled: set[int]

    def stages(self, components: list[int]) -> list[Stage]:
        """Return the stages of components of one priority.

        Plain classes that nothing waits for come last, so that those with rules choose before.
        """
        part = self.whole.subgraph(components)
        late: list[PendingClass] = []
        out = []
        for generation in nx.topological_generations(part):
            stage, waiting = self._stage(sorted(generation))
            late += waiting
            if stage.plain or stage.circles or stage.ruled:
                out.append(stage)
        if late:
            out.append(Stage(tuple(sorted(late, key=lambda c: c.number))))
        return out

    def _stage(self, generation: list[int]) -> tuple[Stage, list[PendingClass]]:
        plain: list[PendingClass] = []
        late: list[PendingClass] = []
        circles: list[tuple[PendingClass, ...]] = []
        ruled: list[PendingClass] = []
        for k in generation:
            numbers = sorted(self.whole.nodes[k]["members"])
            members = tuple(self.numbered[m] for m in numbers)
            if self.links.subgraph(numbers).number_of_edges():
                circles.append(members)
            elif len(members) > 1 or numbers[0] in self.is_ruled:
                ruled += members
            elif self.is_ruled and not self.whole.out_degree(k):
                late += members
            else:
                plain += members
        # The choosiest first: what is left is enough for the others.
        ruled.sort(key=lambda c: (int(c.mask.sum()), c.number))
        stage = Stage(
            tuple(sorted(plain, key=lambda c: c.number)),
            tuple(sorted(circles, key=lambda m: m[0].number)),
            tuple(ruled),
        )
        return stage, late
