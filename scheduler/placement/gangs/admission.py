"""Which gangs are placed: a choice that is tried as a whole, mended, and improved.

A choice of gangs is tried by deciding on all their needed pods, and on all else that waits, at once
(`Attempt`). Where a gang stays incomplete some are dropped and the rest is tried again; then gangs
that were dropped are tried to be won back, others giving way to them where that places more pods.
(Design: solve, drop what is cheapest to lose, solve again, win back. Poseidon rolls groups back in
the same way, Gog et al., OSDI 2016, for want of lower bounds on flows.)

Better is: more pods of a higher priority, then more gangs, then less cost.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from scheduler.domain.pod_group import GroupRef
from scheduler.placement.batch import Batch
from scheduler.placement.gangs.gang import Gang
from scheduler.placement.placing import Placing


class Tried(Protocol):
    """What became of an attempt; `cost` is in cost units."""

    @property
    def batch(self) -> Batch:
        """What was decided on."""
        ...

    @property
    def placing(self) -> Placing:
        """What was placed where."""
        ...

    @property
    def cost(self) -> int:
        """Cost of the nodes."""
        ...


D = TypeVar("D", bound=Tried)
D_co = TypeVar("D_co", bound=Tried, covariant=True)

Attempt = Callable[[frozenset[GroupRef]], D]
"""Decides on the pods of the gangs named, and on all pods of none."""

Value = tuple[tuple[int, ...], int, int]
"""Pods placed by priority, the highest first; gangs; cost with the sign turned."""


@dataclass(frozen=True, slots=True, eq=False)
class Admitted(Generic[D_co]):
    """The choice, what became of it, and what became of the first attempt, with all gangs."""

    decision: D_co
    chosen: frozenset[GroupRef]
    first: D_co


def admit(
    gangs: Mapping[GroupRef, Gang],
    attempt: Attempt[D],
    priorities: Sequence[int],
    most_attempts: int,
) -> Admitted[D]:
    """Return the best choice of gangs that was found; each of it is placed whole.

    Parameters
    ----------
    gangs
        Those that may be tried.
    attempt
        Tries a choice.
    priorities
        Of all pods that wait, the highest first.
    most_attempts
        Spent on improving the first choice that stands; finding that one takes what it takes, at
        most as many as there are gangs.
    """
    return _Admission(gangs, attempt, priorities, most_attempts).run()


def incomplete(decision: Tried, gangs: Iterable[Gang]) -> list[Gang]:
    """Return the gangs of which fewer pods are placed than are needed."""
    placed = placed_members(decision)
    return [gang for gang in gangs if placed.get(gang.ref, 0) < gang.needs]


def placed_members(decision: Tried) -> dict[GroupRef, int]:
    """Return how many needed pods of each group a decision places."""
    out: dict[GroupRef, int] = {}
    for pending in decision.batch.classes:
        ref = pending.pod_class.group
        if ref is not None:
            out[ref] = out.get(ref, 0) + len(decision.placing.pods.get(pending.pod_class, ()))
    return out


def by_rank(gangs: Iterable[Gang]) -> list[GroupRef]:
    """Return the gangs of high priority first, then the oldest."""
    ordered = sorted(gangs, key=lambda gang: (-gang.priority, gang.since_s, str(gang.ref)))
    return [gang.ref for gang in ordered]


class _Admission(Generic[D]):
    def __init__(
        self,
        gangs: Mapping[GroupRef, Gang],
        attempt: Attempt[D],
        priorities: Sequence[int],
        most_attempts: int,
    ) -> None:
        self._gangs, self._attempt, self._left = gangs, attempt, most_attempts
        self._priorities = priorities
        self._tried: set[frozenset[GroupRef]] = set()

    def run(self) -> Admitted[D]:
        everyone = frozenset(self._gangs)
        first = self._attempt(everyone)
        chosen, decision = self._mended(everyone, first)
        best, value = decision, self._value(decision, chosen)
        is_better = bool(everyone - chosen)
        while is_better and self._left > 0:
            is_better = False
            for ref in by_rank(self._gangs[ref] for ref in everyone - chosen):
                found = self._with(self._gangs[ref], chosen) if ref not in chosen else None
                if found is not None and self._value(*found[::-1]) > value:
                    chosen, best = found
                    value, is_better = self._value(best, chosen), True
        return Admitted(best, chosen, first)

    def _mended(self, chosen: frozenset[GroupRef], decision: D) -> tuple[frozenset[GroupRef], D]:
        """Drop gangs until all others are placed whole."""
        while True:
            short = incomplete(decision, (self._gangs[ref] for ref in chosen))
            if not short:
                return chosen, decision
            chosen = chosen - self._dropped(decision, short)
            decision = self._attempt(chosen)

    def _dropped(self, decision: Tried, short: Sequence[Gang]) -> set[GroupRef]:
        """Return which incomplete gangs to drop: of the lowest priority there, the least complete.

        As many as are too many for the pods that were placed of that priority, one at least.
        """
        placed = placed_members(decision)
        lowest = min(gang.priority for gang in short)
        order = [gang for gang in short if gang.priority == lowest]
        order.sort(key=lambda g: (placed.get(g.ref, 0) / g.needs, -g.since_s, str(g.ref)))
        missing = sum(gang.needs - placed.get(gang.ref, 0) for gang in order)
        out: set[GroupRef] = set()
        for gang in order:
            if out and missing <= 0:
                break
            out.add(gang.ref)
            missing -= gang.needs  # its own lack is none any more, and its room goes to the others
        return out

    def _with(
        self, gang: Gang, chosen: frozenset[GroupRef]
    ) -> tuple[frozenset[GroupRef], D] | None:
        """Return a choice with a gang that was dropped, others giving way; None where none is."""
        trial, lost = chosen | {gang.ref}, 0
        while self._left > 0 and trial not in self._tried:
            self._tried.add(trial)
            self._left -= 1
            decision = self._attempt(trial)
            short = incomplete(decision, (self._gangs[ref] for ref in trial))
            if not short:
                return trial, decision
            giving = self._giving_way(gang, trial, short)
            if giving is None:
                return None
            lost += giving.needs if giving.priority == gang.priority else 0
            if lost > gang.needs:
                return None  # more would be lost than is won
            trial = trial - {giving.ref}
        return None

    def _giving_way(
        self, gang: Gang, trial: frozenset[GroupRef], short: Sequence[Gang]
    ) -> Gang | None:
        """Return which other gang of no higher priority gives way: an incomplete one, if any."""
        others = [one for one in short if one is not gang and one.priority <= gang.priority]
        if not others:
            others = [
                one
                for one in (self._gangs[ref] for ref in trial)
                if one is not gang
                and (one.priority < gang.priority or one.needs < gang.needs)
                and one.priority <= gang.priority
            ]
        if not others:
            return None
        return min(others, key=lambda g: (g.priority, g.needs, -g.since_s, str(g.ref)))

    def _value(self, decision: Tried, chosen: Collection[GroupRef]) -> Value:
        placed = dict.fromkeys(self._priorities, 0)
        for pending in decision.batch.classes:
            spots = decision.placing.pods.get(pending.pod_class, ())
            placed[pending.pod_class.priority] += len(spots)
        return tuple(placed.values()), len(chosen), -decision.cost
