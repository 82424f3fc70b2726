"""A problem solved: a first arrangement, the better of two, improved, and never made worse."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.greedy import first_arrangement, kept_arrangement
from scheduler.reliability.cover.making import Made
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.search import Search
from scheduler.reliability.cover.settings import CoverEffortSettings

PLACING_SHARE = 4
"""What part of the search for reserves a search for places alone may take, before it."""


def solve(
    made: Made, effort: CoverEffortSettings, is_over: Callable[[], bool]
) -> tuple[Arrangement, int, bool]:
    """Return the best arrangement found, the rounds of search, and whether it was cut short.

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
        return arrangement, steps, is_truncated
    draws = Draws(np.random.default_rng(effort.seed))
    more, is_cut = search.run(draws, effort.search, is_over)
    search.settle(effort.passes)
    return arrangement, steps + more, is_truncated or is_cut


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
