"""Contested rooms: vectors of resources, settled as well as an exact program settles them."""

import numpy as np
import pytest

from scheduler.placement.packing.chains import ChainSearch
from scheduler.placement.packing.columns import solve_columns
from scheduler.placement.packing.integer import stage_program
from scheduler.placement.packing.problem import Packing, Problem
from scheduler.placement.packing.rounding import Settled, settle
from scheduler.placement.packing.windows import improve_in_windows
from scheduler.placement.settings import OFFLINE_EFFORT, EffortSettings
from tests.property.stages import ExactStage, Shape, placed_by_rank, random_stage

TIGHT = Shape(classes=12, nodes=5, resources=3, count=2, ranks=2)
NO_PROOF = EffortSettings(exact_columns=0, window_pivots=3_000)


def settled(problem: Problem, effort: EffortSettings) -> Settled:
    answer, offered, *_ = solve_columns(problem, effort)
    return settle(problem, answer.packing, offered, effort)


def stages(seed: int, count: int, shape: Shape) -> list[Problem]:
    rng = np.random.default_rng(seed)
    return [random_stage(rng, shape) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_as_many_pods_of_each_rank_are_placed_as_can_be(seed: int) -> None:
    for problem in stages(seed, 3, TIGHT):
        answer = settled(problem, OFFLINE_EFFORT)

        placed, cost = ExactStage(problem).solve()

        assert answer.packing.fits(problem)
        assert placed_by_rank(problem, answer.packing) == placed
        assert answer.packing.cost(problem) <= cost * 1.005 + 1
        assert answer.bound <= cost + 1


@pytest.mark.parametrize("seed", range(4))
def test_without_the_exact_program_chains_and_windows_place_the_most_too(seed: int) -> None:
    for problem in stages(100 + seed, 2, TIGHT):
        answer = settled(problem, NO_PROOF)

        placed, cost = ExactStage(problem).solve()

        assert answer.packing.fits(problem)
        assert placed_by_rank(problem, answer.packing) == placed
        assert answer.bound <= cost + 1


def test_spreading_is_settled_within_the_budget_of_cost() -> None:
    shape = Shape(classes=8, nodes=5, resources=2, count=4, is_spread=True)
    for problem in stages(7, 5, shape):
        answer = settled(problem, OFFLINE_EFFORT)

        placed, cost = ExactStage(problem).solve()

        assert placed_by_rank(problem, answer.packing) == placed
        assert answer.packing.cost(problem) <= cost * 1.005 + 1


@pytest.mark.parametrize(
    "effort",
    [
        EffortSettings(columns_per_class=1, program_columns=0),
        EffortSettings(columns_per_class=1, program_columns=0, exact_columns=0),
        EffortSettings(program_nodes=1, fullest_pivots=0, window_pivots=0, chain_steps=0),
    ],
    ids=["few columns", "few columns and no proof", "no effort"],
)
def test_with_less_effort_a_packing_still_fits_and_proves_nothing_untrue(
    effort: EffortSettings,
) -> None:
    for problem in stages(30, 5, TIGHT):
        answer = settled(problem, effort)

        placed, cost = ExactStage(problem).solve()
        mine = placed_by_rank(problem, answer.packing)

        assert answer.packing.fits(problem)
        assert (answer.packing.pods >= 0).all()
        assert (answer.packing.pods.sum(axis=1) <= problem.count).all()
        assert mine <= placed
        assert not answer.is_optimal or mine == placed
        assert mine != placed or answer.bound <= cost + 1


def test_a_program_over_some_of_the_columns_proves_nothing_of_all() -> None:
    shape = Shape(classes=6, nodes=8, resources=2, count=2)
    few = EffortSettings(columns_per_class=1, program_columns=0, window_pivots=0)
    for problem in stages(51, 15, shape):
        answer, offered, *_ = solve_columns(problem, few)

        made = settle(problem, answer.packing, offered, few)

        assert made.packing.fits(problem)
        assert not made.is_optimal
        assert made.bound == 0


def test_larger_stages_go_through_windows_of_every_size_and_stay_sound() -> None:
    shape = Shape(classes=40, nodes=24, resources=3, count=3)
    (problem,) = stages(5, 1, shape)
    effort = EffortSettings(exact_columns=0, window_pivots=500)

    answer = settled(problem, effort)

    assert answer.packing.fits(problem)
    assert answer.bound <= answer.packing.cost(problem)


def test_chains_never_make_a_packing_worse_and_never_drop_a_pod() -> None:
    for problem in stages(40, 12, TIGHT):
        search = ChainSearch(problem, Packing(np.zeros(problem.feasible.shape, dtype=np.int32)))
        search.place_missing()
        before = search.packing

        search.improve(20_000)

        assert before.fits(problem)
        assert search.packing.fits(problem)
        assert search.packing.value(problem) <= before.value(problem)


def test_windows_never_make_a_packing_worse() -> None:
    for problem in stages(41, 8, TIGHT):
        search = ChainSearch(problem, Packing(np.zeros(problem.feasible.shape, dtype=np.int32)))
        search.place_missing()

        better = improve_in_windows(problem, search.packing, 2_000)

        assert better.fits(problem)
        assert better.value(problem) <= search.packing.value(problem)


def test_a_start_is_worth_in_the_program_what_the_packing_costs() -> None:
    shape = Shape(classes=6, nodes=5, resources=2, count=4, is_spread=True)
    for problem in stages(42, 20, shape):
        search = ChainSearch(problem, Packing(np.zeros(problem.feasible.shape, dtype=np.int32)))
        search.place_missing()
        program = stage_program(problem, problem.feasible)

        start = program.start(search.packing)

        assert program.packing(start).pods.tolist() == search.packing.pods.tolist()
        assert round(float(program.cost @ start) * 1_000) == search.packing.cost(problem)
