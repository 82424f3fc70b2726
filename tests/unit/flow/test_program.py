"""Linear and integer programs: answers, bounds, duals and limits."""

import numpy as np

from scheduler.flow.program import INFINITY, Program, solve_integer, solve_linear


def knapsack(weights: list[float], values: list[float], room: float) -> Program:
    m = len(weights)
    return Program(
        objective=-np.array(values),
        upper=np.ones(m),
        is_integer=np.ones(m, dtype=np.bool_),
        entry_row=np.zeros(m, dtype=np.int64),
        entry_column=np.arange(m),
        entry_value=np.array(weights),
        row_lower=np.array([-INFINITY]),
        row_upper=np.array([room]),
    )


def test_the_relaxation_bounds_the_integer_program() -> None:
    program = knapsack([2, 2, 2], [3, 3, 3], 3)

    relaxed, whole = solve_linear(program), solve_integer(program, nodes=100)

    assert round(relaxed.objective, 6) == -4.5
    assert round(whole.objective, 6) == -3
    assert relaxed.objective <= whole.bound <= whole.objective
    assert whole.is_optimal


def test_the_dual_of_a_row_is_what_a_unit_of_it_is_worth() -> None:
    relaxed = solve_linear(knapsack([2, 2, 2], [3, 3, 3], 3))

    assert relaxed.duals is not None
    assert round(float(relaxed.duals[0]), 6) == -1.5


def test_a_program_without_a_solution_says_so() -> None:
    program = knapsack([1, 1], [1, 1], -1)

    relaxed = solve_linear(program)
    assert relaxed.values is None
    assert relaxed.bound == -INFINITY
    assert solve_integer(program, nodes=10).values is None


def test_a_start_is_never_made_worse() -> None:
    rng = np.random.default_rng(2)
    program = knapsack(rng.integers(10, 99, 40).tolist(), rng.integers(10, 99, 40).tolist(), 700)
    start = np.zeros(40)
    start[:9] = 1.0

    found = solve_integer(program, nodes=1, start=start)

    assert found.values is not None
    assert found.objective <= float(program.objective @ start)


def test_the_same_program_gives_the_same_answer() -> None:
    rng = np.random.default_rng(3)
    weights, values = rng.integers(10, 99, 60).tolist(), rng.integers(10, 99, 60).tolist()

    one, other = (solve_integer(knapsack(weights, values, 900), nodes=3) for _ in range(2))

    assert one.values is not None
    assert other.values is not None
    assert one.values.tolist() == other.values.tolist()
    assert one.pivots == other.pivots


def test_numbers_beyond_the_solver_are_an_answer_without_values_and_not_a_failure() -> None:
    found = solve_linear(knapsack([1e20, 1e19], [1, 1], 3e20))

    assert found.values is None
    assert not found.is_optimal
