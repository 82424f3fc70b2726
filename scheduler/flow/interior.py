"""Proven lower bounds on linear programs by an interior point, sound whatever its accuracy.

An interior point needs tens of iterations where the simplex needs tens of thousands of pivots; its
duals are near the optimum, not at it. That does not matter: any duals prove a bound.
"""

import numpy as np

from scheduler.flow.program import INFINITY, Floats, Program, load

LOOSE = 1e-4
"""Accuracy asked of the interior point: what is left of it is lost from the bound, no more."""


def lower_bound(program: Program, iterations: int) -> float:
    """Return a number that the objective of no solution is below, minus infinity if none is found.

    Parameters
    ----------
    program
        Whole variables are relaxed. A variable without a finite `upper` may spoil the bound.
    iterations
        Of the interior point, at most.

    Notes
    -----
    For duals y with the sign that the rows allow, ``y @ b + sum(min(0, reduced cost) * upper)``
    bounds the objective (weak duality): errors of the solver cost tightness, never truth.
    """
    highs = load(program)
    highs.setOptionValue("solver", "ipx")
    highs.setOptionValue("run_crossover", "off")
    highs.setOptionValue("ipm_iteration_limit", iterations)
    highs.setOptionValue("ipm_optimality_tolerance", LOOSE)
    highs.run()
    duals = np.array(highs.getSolution().row_dual)
    if len(duals) != len(program.row_lower) or not np.isfinite(duals).all():
        return -INFINITY
    return weak_duality(program, duals)


def weak_duality(program: Program, duals: Floats) -> float:
    """Return the bound on the objective that some duals prove.

    Parameters
    ----------
    program
        Minimised.
    duals
        Shape ``(k,)``; of a row without the bound that a dual's sign needs, zero is taken.
    """
    against = np.where(duals > 0, program.row_lower, program.row_upper)
    usable = np.isfinite(against) & (np.abs(against) < INFINITY)
    duals = np.where(usable, duals, 0.0)
    reduced = program.objective.astype(np.float64)
    pulled = duals[program.entry_row] * program.entry_value
    reduced -= np.bincount(program.entry_column, pulled, minlength=len(reduced))
    worst = np.minimum(reduced, 0.0)
    gains = worst < 0
    return float(duals @ np.where(usable, against, 0.0) + worst[gains] @ program.upper[gains])
