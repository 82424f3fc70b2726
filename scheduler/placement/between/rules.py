"""The rules between pods, for the classes of one decision, in step with what it places.

A counter is *live* where pods of this decision change it: what a class may do then depends on what
was placed before it. Where nothing is live, the rules are masks like those of nodes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.storage import PodVolumes
from scheduler.placement.between.wishes import ClassWishes
from scheduler.placement.feasibility.counters import ALL, At, Counter
from scheduler.placement.feasibility.podaffinity import PodAffinityRule
from scheduler.placement.feasibility.podspread import PodSpreadRule
from scheduler.placement.feasibility.ports import PortRule
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.feasibility.volume.rules import VolumeRules


@dataclass(frozen=True, slots=True, eq=False)
class OwnVolumes:
    """The volumes of one class's pods, and the rules that all of the decision share."""

    rules: VolumeRules
    namespace: str
    volumes: PodVolumes

    def families(self) -> list[list[Verdict]]:
        """Return the verdicts of each family of rules as things stand."""
        return self.rules.verdicts(self.namespace, self.volumes)

    def admits(self, n: int) -> Mask:
        """Return which of all `n` nodes can serve the volumes as things stand."""
        passes = np.ones(n, dtype=np.bool_)
        for verdict in (verdict for family in self.families() for verdict in family):
            passes &= verdict.passes
        return passes

    def place(self, node: int) -> AssignedVolumes:
        """Take note of a pod on a node; return what its claims are bound to there."""
        chosen = self.rules.static_bindings(self.namespace, self.volumes, node)
        self.rules.place(self.namespace, self.volumes, node)
        return chosen


@dataclass(slots=True, eq=False)
class ClassRules:
    """What binds one class. `is_live` where what the decision places changes it."""

    ports: PortRule
    spread: PodSpreadRule
    affinity: PodAffinityRule
    volumes: OwnVolumes | None = None
    is_live: bool = False

    def __bool__(self) -> bool:
        return bool(self.ports or self.spread or self.affinity or self.volumes)

    def admits(self, nodes: At = ALL) -> Mask:
        """Return which of some nodes all of it admits now."""
        passes = self.ports.admits(nodes)
        if self.spread:
            passes &= self.spread.admits(nodes)
        if self.affinity:
            passes &= self.affinity.admits(nodes)
        if self.volumes is not None:
            passes &= self.volumes.admits(self.ports.n)[nodes]
        return passes

    def counters(self) -> list[Counter]:
        """Return all that it counts."""
        found = [*self.affinity.near, *self.affinity.away, *self.affinity.kept]
        found += [skew.counter for skew in self.spread.skews]
        return found if self.ports.holders is None else [*found, self.ports.holders]


@dataclass(slots=True, eq=False)
class _Live:
    """A counter, and how much each pod of a class of this decision adds to it."""

    counter: Counter
    amount: int


@dataclass(slots=True)
class Rules:
    """Rules and wishes of the pending classes, by their numbers.

    `before` has for each class those whose pods it counts for affinity or spread: what they do
    decides what it may do, so they are placed first, unless they are of lower priority. `needed`
    has those of them without which it can go nowhere. `chosen` has what the claims of a class's
    pods are bound to, in the order in which they were placed.
    """

    of: dict[int, ClassRules] = field(default_factory=dict)
    wishes: dict[int, ClassWishes] = field(default_factory=dict)
    before: dict[int, set[int]] = field(default_factory=dict)
    needed: dict[int, set[int]] = field(default_factory=dict)
    chosen: dict[int, list[AssignedVolumes]] = field(default_factory=dict)
    _concerns: dict[int, list[_Live]] = field(default_factory=dict)
    _subscribed: set[int] = field(default_factory=set)

    def narrow(self, number: int, mask: Mask) -> Mask:
        """Return the nodes of a mask that a class's rules admit now."""
        rules = self.of.get(number)
        return mask & rules.admits() if rules is not None else mask

    def own(self, number: int, counter: Counter) -> int:
        """Return what one pod of a class adds to a counter."""
        return sum(x.amount for x in self._concerns.get(number, ()) if x.counter is counter)

    def is_live(self, number: int) -> bool:
        """Whether what this decision places changes where a class may go, or would best go."""
        rules, wishes = self.of.get(number), self.wishes.get(number)
        return bool((rules and rules.is_live) or (wishes and wishes.is_live))

    def is_counted(self, number: int) -> bool:
        """Whether the rules of any class count pods of this one."""
        return bool(self._concerns.get(number))

    @property
    def has_live(self) -> bool:
        """Whether any class depends on what this decision places."""
        return bool(self._concerns)

    def placed(self, number: int, nodes: Sequence[int], amount: int = 1) -> None:
        """Take note that pods of a class stand on nodes; with -1, that they do so no more."""
        self.counted(number, nodes, amount)
        rules = self.of.get(number)
        if rules is not None and rules.volumes is not None and amount > 0:
            chosen = self.chosen.setdefault(number, [])
            chosen.extend(rules.volumes.place(node) for node in nodes)

    def volumes_of(self, numbers: Iterable[int]) -> VolumeRules | None:
        """Return the rules about volumes; None where none of some classes has any."""
        every = (self.of[number].volumes for number in numbers if number in self.of)
        return next((own.rules for own in every if own is not None), None)

    def tried(self, number: int, node: int) -> None:
        """As `placed`, for a trial: the caller takes back what is counted, and volumes."""
        self.counted(number, [node])
        own = self.of[number].volumes if number in self.of else None
        if own is not None:
            own.rules.place(own.namespace, own.volumes, node)

    def counted(self, number: int, nodes: Sequence[int], amount: int = 1) -> None:
        """Have what pods of a class on nodes add counted; with -1, no more."""
        for live in self._concerns.get(number, ()):
            for node in nodes:
                live.counter.add(node, amount * live.amount)

    def subscribe(self, number: int, counter: Counter, amount: int = 1) -> None:
        """Have pods of a class counted."""
        self._concerns.setdefault(number, []).append(_Live(counter, amount))
        self._subscribed.add(id(counter))

    def is_subscribed(self, counter: Counter) -> bool:
        """Whether pods of this decision change a counter."""
        return id(counter) in self._subscribed
