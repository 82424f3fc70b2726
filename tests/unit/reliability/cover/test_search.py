"""Search: never worse than its start, its books in order, the same for the same seed."""

import numpy as np
import pytest

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.greedy import first_arrangement
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE
from scheduler.reliability.cover.search import Search
from tests.unit.reliability.cover.little_problems import little_problem

SEEDS = range(0, 60, 3)


def searched(seed: int) -> tuple[Arrangement, tuple[float, ...], tuple[float, ...]]:
    """Return an arrangement, and its value before and after a search."""
    problem = little_problem(seed)
    pairs = Pairs(problem)
    found = first_arrangement(problem, pairs)
    before = found.value(found.missing())
    Search(problem, pairs, found).run(Draws(np.random.default_rng(seed)), 500, lambda: False)
    return found, before, found.value(found.missing())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_ends_no_worse_than_it_began(seed: int) -> None:
    _, before, after = searched(seed)

    assert after <= before


@pytest.mark.parametrize("seed", SEEDS)
def test_loads_reserves_and_room_are_what_hosts_and_backups_make_them(seed: int) -> None:
    found, _, _ = searched(seed)
    problem = found.problem
    load, free = problem.base_load.copy(), problem.room.copy()
    for pod, number in enumerate(problem.class_of.tolist()):
        host, backup = found.host[pod], found.backup[pod]
        if host != NOWHERE and problem.pinned[pod] == NOWHERE:
            free[host] -= problem.classes[number].demand
        if backup != NOWHERE:
            load[:, problem.unit[host], backup] += problem.classes[number].demand
    reserve = load.max(axis=1).T

    np.testing.assert_array_equal(found.load, load)
    np.testing.assert_array_equal(found.reserve, reserve)
    np.testing.assert_array_equal(found.free, free - reserve)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_finds_the_same(seed: int) -> None:
    one, _, value = searched(seed)
    other, _, again = searched(seed)

    assert (one.host, one.backup, value) == (other.host, other.backup, again)


def test_a_search_that_is_stopped_at_once_says_so_and_keeps_its_start() -> None:
    problem = little_problem(4)
    pairs = Pairs(problem)
    found = first_arrangement(problem, pairs)
    before = list(found.host), list(found.backup)

    _, is_truncated = Search(problem, pairs, found).run(
        Draws(np.random.default_rng(1)), 500, lambda: True
    )

    assert is_truncated
    assert (found.host, found.backup) == before
