"""The integer program: as good as the best of all arrangements, and never worse than its start."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.bounds import prove
from scheduler.reliability.cover.exact import solve_exactly
from scheduler.reliability.cover.greedy import first_arrangement
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE, CoverProblem
from tests.unit.reliability.cover.little_problems import little_problem

NODES = 200


def varied_problem(seed: int) -> CoverProblem:
    """Return a little problem with ranks, pods that want no cover, and cover that is no must."""
    rng = np.random.default_rng(1_000 + seed)
    problem = little_problem(seed)
    classes = tuple(
        replace(made, rank=int(rng.integers(0, 2)), wants=bool(rng.random() < 0.8))
        for made in problem.classes
    )
    base = problem.base_load.copy()
    base[:, 0, :] = rng.integers(0, 2, base[:, 0, :].shape)
    base[:, 0, problem.unit == 0] = 0
    return replace(problem, classes=classes, base_load=base, must_cover=bool(rng.random() < 0.5))


def goals(arrangement: Arrangement) -> tuple[float, ...]:
    """Return what the program minimises: pods out, pods bare, price of reserves."""
    value = arrangement.value(arrangement.missing())
    return (*value[:-1], round(arrangement.reserve_price(), 6))


def every(problem: CoverProblem) -> list[Arrangement]:
    """Return all arrangements there are, with pods that have no backup too."""
    pairs, out = Pairs(problem), []
    for choice in product(*[_choices(problem, pod) for pod in range(len(problem.class_of))]):
        arrangement = Arrangement(problem, pairs)
        if all(
            (host, backup) == (NOWHERE, NOWHERE) or arrangement.put(pod, host, backup)
            for pod, (host, backup) in enumerate(choice)
        ):
            out.append(arrangement)
    return out


def _choices(problem: CoverProblem, pod: int) -> list[tuple[int, int]]:
    made, pinned = problem.classes[pod], int(problem.pinned[pod])
    hosts = made.hosts.tolist() if pinned == NOWHERE else [pinned]
    backups = made.backups.tolist() if made.wants else []
    out = [(h, b) for h in hosts for b in backups if problem.unit[h] != problem.unit[b]]
    if pinned == NOWHERE and not (made.wants and problem.must_cover):
        out += [(host, NOWHERE) for host in hosts]
    return [(NOWHERE, NOWHERE), *out]


@pytest.mark.parametrize("seed", range(60))
def test_it_finds_the_best_of_all_arrangements_and_says_so(seed: int) -> None:
    problem = varied_problem(seed)
    pairs = Pairs(problem)
    found = first_arrangement(problem, pairs)

    best, is_optimal = solve_exactly(problem, pairs, found, NODES)

    assert is_optimal
    assert goals(best) == min(map(goals, every(problem)))
    assert best.value(best.missing()) <= found.value(found.missing())


@pytest.mark.parametrize("seed", range(60))
def test_bounds_hold_with_ranks_with_pods_of_no_cover_and_where_it_is_no_must(seed: int) -> None:
    problem = varied_problem(seed)
    found = first_arrangement(problem, Pairs(problem))
    bounds = prove(problem, found, 10_000)
    if bounds.most is None:
        assert not any(problem.classes[k].wants for k in problem.class_of.tolist())
        return
    has = sum(backup != NOWHERE for backup in found.backup)
    covered = [(sum(b != NOWHERE for b in a.backup), a) for a in every(problem)]

    assert bounds.most >= max(many for many, _ in covered)
    least = np.min([a.reserve.sum(axis=0) for many, a in covered if many >= has], axis=0)
    assert (np.array(bounds.least) <= least).all()
    if bounds.is_optimal:
        assert goals(found) == min(goals(a) for _, a in covered)


def test_the_same_problem_has_the_same_answer() -> None:
    problem = varied_problem(5)
    pairs = Pairs(problem)
    one, _ = solve_exactly(problem, pairs, first_arrangement(problem, pairs), NODES)
    other, _ = solve_exactly(problem, pairs, first_arrangement(problem, pairs), NODES)

    assert (one.host, one.backup) == (other.host, other.backup)


def test_a_problem_with_too_many_columns_is_left_as_it_is() -> None:
    problem = varied_problem(5)
    pairs = Pairs(problem)
    found = first_arrangement(problem, pairs)

    assert solve_exactly(problem, pairs, found, 0) == (found, False)
