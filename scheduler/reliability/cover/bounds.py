"""How good an arrangement is, proven: the most pods that can be covered, the least reserve for it.

The bounds are those of the linear relaxation, rounded to what whole pods can come to.
"""

import math
from dataclasses import dataclass

from scheduler.flow.interior import lower_bound
from scheduler.reliability.cover.arrangement import NOWHERE, Arrangement
from scheduler.reliability.cover.problem import CoverProblem
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
    """Return what can be proven of an arrangement with a bounded amount of work.

    Parameters
    ----------
    problem, arrangement
        What was to be arranged, and how it was.
    columns
        Most columns of the relaxation; nothing is proven where it takes more.
    """
    covered = sum(backup != NOWHERE for backup in arrangement.backup)
    wanting = sum(problem.classes[number].wants for number in problem.class_of.tolist())
    if not (columns and wanting and problem.room.size):
        return NOTHING
    relaxation = Relaxation(problem, columns)
    if relaxation.is_too_large:
        return NOTHING
    most = min(_most(relaxation), wanting) if covered < wanting else wanting
    reserve = arrangement.reserve.sum(axis=0)
    least = tuple(
        min(_least(relaxation, covered, k), int(found)) for k, found in enumerate(reserve.tolist())
    )
    is_least = all(low == found for low, found in zip(least, reserve.tolist(), strict=True))
    is_optimal = covered == most and is_least and _is_fullest(problem, arrangement)
    return Bounds(most, least, is_optimal)


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
