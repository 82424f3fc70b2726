"""What is proven of an arrangement is true of every other: held against all there are."""

import numpy as np
import pytest

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.bounds import prove
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.exact import solve_exactly
from scheduler.reliability.cover.greedy import first_arrangement
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.search import Search
from tests.unit.reliability.cover.little_problems import all_arrangements, covered, little_problem

COLUMNS = 10_000


@pytest.mark.parametrize("seed", range(60))
def test_a_bound_is_never_beyond_what_can_be_and_the_search_finds_it(seed: int) -> None:
    problem = little_problem(seed)
    pairs = Pairs(problem)
    found = first_arrangement(problem, pairs)
    Search(problem, pairs, found).run(Draws(np.random.default_rng(seed)), 2_000, lambda: False)
    bounds = prove(problem, found, COLUMNS)
    every = list(all_arrangements(problem))
    most = max(map(covered, every))
    as_many = [a.reserve.sum(axis=0) for a in every if covered(a) >= covered(found)]

    assert bounds.most is not None
    assert bounds.most >= most
    assert (np.array(bounds.least) <= np.min(as_many, axis=0)).all()
    assert covered(found) == most
    values = [a.value(a.missing()) for a in every]
    assert found.value(found.missing()) == pytest.approx(min(values))


def test_most_little_problems_are_proven_optimal() -> None:
    proven = 0
    for seed in range(60):
        problem = little_problem(seed)
        pairs = Pairs(problem)
        found = first_arrangement(problem, pairs)
        Search(problem, pairs, found).run(Draws(np.random.default_rng(seed)), 2_000, lambda: False)
        proven += prove(problem, found, COLUMNS).is_optimal

    assert proven >= 40


def test_a_problem_with_too_many_columns_proves_nothing() -> None:
    problem = little_problem(1)

    assert prove(problem, first_arrangement(problem, Pairs(problem)), 3).most is None


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_the_exact_program_finds_the_best_there_is_from_any_start(seed: int) -> None:
    problem = little_problem(seed)
    pairs = Pairs(problem)
    best, _ = solve_exactly(problem, pairs, Arrangement(problem, pairs), 100)

    values = [a.value(a.missing()) for a in all_arrangements(problem)]
    assert best.value(best.missing()) == pytest.approx(min(values))
