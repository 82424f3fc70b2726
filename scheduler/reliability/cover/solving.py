"""A problem solved: a first arrangement, the better of two, improved, and never made worse."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.bounds import NOTHING, Bounds, Proving
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.exact import solve_exactly
from scheduler.reliability.cover.greedy import first_arrangement, kept_arrangement
from scheduler.reliability.cover.making import Made
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import CoverProblem
from scheduler.reliability.cover.search import Search
from scheduler.reliability.cover.settings import CoverEffortSettings

FIRST_SHARE = 10
"""What part of the search is done before a look at whether more can be gained at all."""

PLACING_SHARE = 4
"""What part of the search for reserves a search for places alone may take, before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The best arrangement found, the rounds of search, what was proven, and whether it was cut."""

    arrangement: Arrangement
    steps: int = 0
    bounds: Bounds = NOTHING
    is_truncated: bool = False


def solve(made: Made, effort: CoverEffortSettings, is_over: Callable[[], bool]) -> Solved:
    """Return the best arrangement found.

    Parameters
    ----------
    made
        The problem, with the hosts that a decision chose without regard to cover.
    effort
        Bounds on work.
    is_over
        Says when to stop before that; whatever is best by then is returned.
    """
    steps, is_truncated = 0, False
    if effort.search and not made.problem.must_cover and not made.is_pinned:
        made, steps, is_truncated = _fullest(made, effort, is_over)
    pairs = Pairs(made.problem)
    arrangement = kept_arrangement(made, pairs)
    other = first_arrangement(made.problem, pairs)
    if other.value(other.missing()) < arrangement.value(arrangement.missing()):
        arrangement = other
    search = Search(made.problem, pairs, arrangement)
    search.settle(effort.passes)
    if not effort.search or (made.is_pinned and not arrangement.missing()):
        return Solved(arrangement, steps, is_truncated=is_truncated)
    start = Solved(arrangement, steps, is_truncated=is_truncated)
    return _searched(made.problem, pairs, start, (effort, is_over))


def _searched(
    problem: CoverProblem,
    pairs: Pairs,
    start: Solved,
    limits: tuple[CoverEffortSettings, Callable[[], bool]],
) -> Solved:
    """Search until the effort is spent, or a first part of it has found what is proven the best."""
    effort, is_over = limits
    arrangement, solved = start.arrangement, start
    draws, search = Draws(np.random.default_rng(effort.seed)), Search(problem, pairs, arrangement)
    proving = Proving(problem, effort.bound_columns)
    first = effort.search // FIRST_SHARE
    for work in (first, effort.search - first):
        steps, is_cut = search.run(draws, work, is_over)
        search.settle(effort.passes)
        bounds = proving.of(arrangement)
        solved = replace(
            solved,
            steps=solved.steps + steps,
            bounds=bounds,
            is_truncated=solved.is_truncated or is_cut,
        )
        if bounds.is_optimal or is_cut:
            break
    if effort.exact_nodes and not solved.bounds.is_optimal:
        arrangement, is_optimal = solve_exactly(problem, pairs, arrangement, effort.exact_nodes)
        bounds = proving.of(arrangement)
        bounds = replace(bounds, is_optimal=bounds.is_optimal or is_optimal)
        solved = replace(solved, arrangement=arrangement, bounds=bounds)
    return solved


def _fullest(
    made: Made, effort: CoverEffortSettings, is_over: Callable[[], bool]
) -> tuple[Made, int, bool]:
    """Search for hosts for the most pods, without regard to cover; return where to go on."""
    bare = tuple(replace(one, wants=False) for one in made.problem.classes)
    problem = replace(made.problem, classes=bare)
    pairs = Pairs(problem)
    arrangement = kept_arrangement(replace(made, problem=problem), pairs)
    if not arrangement.missing():
        return made, 0, False
    draws = Draws(np.random.default_rng(effort.seed))
    search = Search(problem, pairs, arrangement)
    steps, is_truncated = search.run(draws, effort.search // PLACING_SHARE, is_over)
    return replace(made, start=arrangement.host), steps, is_truncated
