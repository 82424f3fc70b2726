"""Linear and integer programs over sparse columns: the only door to HiGHS (``highspy``).

Huangfu and Hall, "Parallelizing the dual revised simplex method", 2018. One thread and the fixed
default seed, and limits on branch-and-bound nodes instead of seconds, so that the same program
gives the same answer. ``run`` releases the interpreter lock.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
INFINITY = float(highspy.kHighsInf)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Minimise ``objective @ x`` with ``row_lower <= A x <= row_upper`` and ``0 <= x <= upper``.

    Parameters
    ----------
    objective, upper
        Shape ``(m,)``.
    is_integer
        Shape ``(m,)``: which variables must be whole.
    entry_row, entry_column, entry_value
        The entries of A, in any order, no entry twice.
    row_lower, row_upper
        Shape ``(k,)``.
    """

    objective: Floats
    upper: Floats
    is_integer: NDArray[np.bool_]
    entry_row: NDArray[np.int64]
    entry_column: NDArray[np.int64]
    entry_value: Floats
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ProgramSolution:
    """A solution, or None in `values` when none was found.

    `bound` is a proven lower bound on the objective. `duals` (linear programs only) has shape
    ``(k,)``: the change of the objective per unit of each row's bound. `pivots` counts simplex
    iterations, the measure of work.
    """

    values: Floats | None
    objective: float
    bound: float
    duals: Floats | None
    is_optimal: bool
    pivots: int = 0


def solve_linear(program: Program) -> ProgramSolution:
    """Return an optimal vertex of the relaxation, with duals.

    No values and no bound where the solver found none: the program has no solution, or its numbers
    were beyond the solver.
    """
    highs = load(program)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return ProgramSolution(None, INFINITY, -INFINITY, None, is_optimal=False)
    solution = highs.getSolution()
    value = float(highs.getObjectiveValue())
    return ProgramSolution(
        np.array(solution.col_value),
        value,
        value,
        np.array(solution.row_dual),
        is_optimal=True,
        pivots=int(highs.getInfo().simplex_iteration_count),
    )


def solve_integer(
    program: Program,
    *,
    nodes: int,
    start: Floats | None = None,
    gap: float = 0.0,
    relative_gap: float = 0.0,
) -> ProgramSolution:
    """Return the best integer solution found within a number of branch-and-bound nodes.

    Parameters
    ----------
    nodes
        Most branch-and-bound nodes.
    start
        A feasible solution to start from, shape ``(m,)``.
    gap, relative_gap
        How far from the proven bound is near enough.
    """
    highs = load(program)
    columns = np.flatnonzero(program.is_integer).astype(np.int32)
    kinds = np.full(len(columns), highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(len(columns), columns, kinds)
    highs.setOptionValue("mip_max_nodes", nodes)
    highs.setOptionValue("mip_abs_gap", max(gap, 1e-6))
    highs.setOptionValue("mip_rel_gap", relative_gap)
    if start is not None:
        initial = highspy.HighsSolution()
        initial.col_value = start.tolist()
        highs.setSolution(initial)
    highs.run()
    info = highs.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return ProgramSolution(None, INFINITY, float(info.mip_dual_bound), None, is_optimal=False)
    is_optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return ProgramSolution(
        np.array(highs.getSolution().col_value),
        float(info.objective_function_value),
        float(info.mip_dual_bound),
        None,
        is_optimal=is_optimal,
        pivots=int(info.simplex_iteration_count),
    )


def load(program: Program) -> "highspy.Highs":
    """Return a solver that holds the program, all variables continuous."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # the library ships no types
    highs.setOptionValue("output_flag", False)  # noqa: FBT003 - the library's signature
    highs.setOptionValue("threads", 1)
    k, m = len(program.row_lower), len(program.objective)
    none = np.zeros(0)
    starts = np.zeros(k, dtype=np.int32)
    highs.addRows(k, program.row_lower, program.row_upper, 0, starts, none.astype(np.int32), none)
    order = np.lexsort((program.entry_row, program.entry_column))
    per_column = np.bincount(program.entry_column, minlength=m)
    first = np.concatenate([[0], np.cumsum(per_column)[:-1]]).astype(np.int32)
    highs.addCols(
        m,
        program.objective,
        np.zeros(m),
        program.upper,
        len(order),
        first,
        program.entry_row[order].astype(np.int32),
        program.entry_value[order].astype(np.float64),
    )
    return highs
