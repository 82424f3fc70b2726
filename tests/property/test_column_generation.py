"""A flow over few columns, priced until none would help, is the optimum over all of them."""

import numpy as np
import pytest

from scheduler.placement.packing.columns import cheapest, solve_columns
from scheduler.placement.packing.problem import Problem
from scheduler.placement.settings import EffortSettings
from tests.property.stages import ExactStage, Shape, placed_by_rank, random_stage, slots_only

STAGES_A_BLOCK = 15


def stages(seed: int, *, is_spread: bool, ranks: int) -> list[Problem]:
    rng = np.random.default_rng(seed)
    shape = Shape(classes=10, nodes=9, resources=1, count=6, ranks=ranks, is_spread=is_spread)
    return [slots_only(random_stage(rng, shape)) for _ in range(STAGES_A_BLOCK)]


@pytest.mark.parametrize("per_class", [1, 2, 4])
@pytest.mark.parametrize("is_spread", [False, True], ids=["plain", "spread"])
@pytest.mark.parametrize("ranks", [1, 3])
def test_few_columns_end_at_the_optimum_of_all(
    per_class: int,
    is_spread: bool,  # noqa: FBT001 - a column of the table
    ranks: int,
) -> None:
    for problem in stages(17, is_spread=is_spread, ranks=ranks):
        few, _, _, is_proven = solve_columns(
            problem, EffortSettings(columns_per_class=per_class, pricing_rounds=1_000)
        )
        whole, *_ = solve_columns(problem, EffortSettings(columns_per_class=len(problem.free)))

        assert is_proven
        assert few.packing.value(problem) == whole.packing.value(problem)


@pytest.mark.parametrize("is_spread", [False, True], ids=["plain", "spread"])
def test_the_flow_is_the_exact_optimum_where_slots_are_all_there_is(is_spread: bool) -> None:  # noqa: FBT001 - a column of the table
    for problem in stages(18, is_spread=is_spread, ranks=2)[:10]:
        answer, *_ = solve_columns(problem, EffortSettings(columns_per_class=2))

        placed, cost = ExactStage(problem).solve()

        assert answer.packing.fits(problem)
        assert placed_by_rank(problem, answer.packing) == placed
        assert answer.packing.cost(problem) == cost


def test_a_search_that_is_cut_short_claims_no_proof() -> None:
    cut = [
        solve_columns(problem, EffortSettings(columns_per_class=1, pricing_rounds=1))
        for problem in stages(19, is_spread=False, ranks=1)
    ]

    assert not all(is_proven for *_, is_proven in cut)
    assert all(rounds == 1 for *_, rounds, _ in cut)


def test_the_first_columns_are_the_cheapest_of_each_class() -> None:
    for problem in stages(20, is_spread=False, ranks=1):
        offered = cheapest(problem, 3)

        price = problem.cost + problem.load_cost[None, :, 0]
        assert (offered <= problem.feasible).all()
        for g, row in enumerate(offered):
            left_out = problem.feasible[g] & ~row
            assert row.sum() == min(3, problem.feasible[g].sum())
            if left_out.any():
                assert price[g, row].max() <= price[g, left_out].min()
