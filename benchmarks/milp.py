"""A case as one plain class x node integer program, given to HiGHS as it stands."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

from benchmarks.cases import Case

Floats = NDArray[np.float64]

_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class Found:
    """What HiGHS knows when it ends. `value` is None where no answer was found in time.

    `bound` is proven: no answer is better.
    """

    value: int | None
    bound: float
    is_proven: bool


class CaseProgram:
    """One integer variable a feasible (class, node): pods of one size, reference and radius."""

    def __init__(self, case: Case) -> None:
        pods = np.stack([case.pod_units, case.pod_reference, case.pod_radius_ms], axis=1)
        classes, count = np.unique(pods, axis=0, return_counts=True)
        units, reference, radius_ms = classes.T
        near = case.rtt_ms[reference] <= radius_ms[:, None]
        g, n = np.nonzero(near)
        self.cost_ms: Floats = case.rtt_ms[reference[g], n].astype(np.float64)
        self._top = np.minimum(count[g], case.node_units[n] // units[g]).astype(np.float64)
        columns = np.arange(len(g))
        ones = np.ones(len(g))
        demand = coo_matrix((ones, (g, columns)), shape=(len(count), len(g)))
        room = coo_matrix((units[g], (n, columns)), shape=(len(case.node_units), len(g)))
        self._rows = [
            LinearConstraint(demand.tocsr(), 0.0, count.astype(np.float64)),
            LinearConstraint(room.tocsr(), 0.0, case.node_units.astype(np.float64)),
        ]

    def most_placed(self, time_limit_s: float) -> Found:
        """Return how many pods can be placed at most."""
        found = self._solve(-np.ones_like(self.cost_ms), [], time_limit_s)
        value = -found.value if found.value is not None else None
        return Found(value, -found.bound, found.is_proven)

    def least_cost(self, placed: int, time_limit_s: float) -> Found:
        """Return the least sum of RTTs, milliseconds, over all ways to place `placed` pods."""
        count = LinearConstraint(np.ones((1, len(self.cost_ms))), placed, placed)
        return self._solve(self.cost_ms, [count], time_limit_s)

    def relaxed_placed(self) -> int:
        """Return the whole part of how many pods the linear relaxation places.

        Raises
        ------
        RuntimeError
            If HiGHS does not solve it.
        """
        answer = milp(
            -np.ones_like(self.cost_ms), constraints=self._rows, bounds=Bounds(0.0, self._top)
        )
        if answer.fun is None:
            raise RuntimeError(f"the relaxation was not solved: {answer.message}")
        return math.floor(_WHOLE - answer.fun)

    def _solve(self, objective: Floats, rows: list[LinearConstraint], time_limit_s: float) -> Found:
        answer = milp(
            objective,
            constraints=[*self._rows, *rows],
            bounds=Bounds(0.0, self._top),
            integrality=np.ones(len(objective), dtype=np.int64),
            options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
        )
        value = None if answer.x is None else round(float(answer.fun))
        bound = answer.mip_dual_bound
        is_proven = answer.status == 0
        return Found(value, -math.inf if bound is None else float(bound), is_proven)
