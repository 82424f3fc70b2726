"""How good an arrangement is, proven: the most pods that can be covered, the least reserve for it.

The bounds are those of the linear relaxation, rounded to what whole pods can come to.
"""

import math
from dataclasses import dataclass

import numpy as np

from scheduler.flow.interior import lower_bound
from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.problem import NOWHERE, CoverProblem
from scheduler.reliability.cover.relaxation import Relaxation

ITERATIONS = 80
"""Of the interior point; 20 to 45 were needed. What it has by then proves a bound too."""

SLACK = 1e-6
"""Relative error that sums in floats may have at most; a bound is given up by that much."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What was proven of a problem and an arrangement of it.

    Parameters
    ----------
    most
        No arrangement covers more pods; None where nothing was proven.
    least
        Of each resource: no arrangement that covers as many pods as this one has a smaller sum of
        reserves, with what stands already; empty where nothing was proven.
    is_optimal
        Whether none is better by pods placed, then covered, then price of all reserves.
    """

    most: int | None = None
    least: tuple[int, ...] = ()
    is_optimal: bool = False


NOTHING = Bounds()


def prove(problem: CoverProblem, arrangement: Arrangement, columns: int) -> Bounds:
    """Return what can be proven of one arrangement; see `Proving`."""
    return Proving(problem, columns).of(arrangement)


class Proving:
    """Proves bounds for arrangements of one problem, each only once, with bounded work.

    Parameters
    ----------
    problem
        What is to be arranged.
    columns
        Most columns of the relaxation; nothing is proven where it takes far more.
    """

    def __init__(self, problem: CoverProblem, columns: int) -> None:
        self._problem, self._columns = problem, columns
        self._wanting = sum(problem.classes[number].wants for number in problem.class_of.tolist())
        self._relaxation: Relaxation | None = None
        self._most: int | None = None
        self._least: dict[int, tuple[int, ...]] = {}

    def of(self, arrangement: Arrangement) -> Bounds:
        """Return what can be proven of an arrangement."""
        problem, wanting = self._problem, self._wanting
        if not (self._columns and wanting and problem.room.size):
            return NOTHING
        if self._relaxation is None:
            self._relaxation = Relaxation(problem, self._columns)
        if self._relaxation.is_too_large:
            return NOTHING
        covered = sum(backup != NOWHERE for backup in arrangement.backup)
        if self._most is None and covered < wanting:
            self._most = min(_most(self._relaxation), wanting)
        most = wanting if self._most is None else max(self._most, covered)
        reserve = arrangement.reserve.sum(axis=0).astype(np.int64).tolist()
        if covered not in self._least:
            self._least[covered] = tuple(
                _least(self._relaxation, covered, k) for k in range(len(reserve))
            )
        least = tuple(map(min, self._least[covered], reserve))
        is_optimal = covered == most and list(least) == reserve
        return Bounds(most, least, is_optimal and _is_fullest(problem, arrangement))


def _most(relaxation: Relaxation) -> int:
    bound = -float(lower_bound(relaxation.most_program(), ITERATIONS))
    if not math.isfinite(bound):
        return int(relaxation.amounts.kinds.many.sum())
    return math.floor(bound * (1 + SLACK) + SLACK)


def _least(relaxation: Relaxation, covered: int, resource: int) -> int:
    """Return a bound on the sum of reserves: the next multiple of what all amounts are made of."""
    amounts = relaxation.amounts
    step, scale = amounts.step[resource], amounts.scale[resource]
    stands = round(float(amounts.stands[:, resource].sum()) * scale / step)
    above = lower_bound(relaxation.least_program(covered, resource), ITERATIONS) * scale / step
    above = math.ceil(above * (1 - SLACK) - SLACK) if above > 0 else 0
    return int((stands + above) * int(step))


def _is_fullest(problem: CoverProblem, arrangement: Arrangement) -> bool:
    """Whether no other arrangement of no more covered pods can be better by pods placed.

    With several priorities that is known only where none is left out or bare.
    """
    missing = arrangement.missing()
    if not missing:
        return True
    is_one_rank = len({made.rank for made in problem.classes}) == 1
    out = [pod for pod in missing if arrangement.host[pod] == NOWHERE]
    if not problem.must_cover:
        return is_one_rank and not out
    classes, class_of = problem.classes, problem.class_of.tolist()
    return is_one_rank and all(classes[class_of[pod]].wants for pod in out)
