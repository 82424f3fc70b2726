"""A flow that over-commits nodes, repaired: what does not fit is put elsewhere, class by class.

The flow is the optimum of a relaxation. What places as many pods for nearly its cost need not be
searched for any further, and most of the time that is what filling in the gaps comes to.
"""

from collections.abc import Sequence

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.filling.fill import fill
from scheduler.placement.packing.problem import Packing, Problem, overcommitted
from scheduler.placement.packing.rounding import TOLERANCE, Settled
from scheduler.placement.placing import Placing
from scheduler.placement.stage import carry_out


def repaired(
    batch: Batch,
    stage: tuple[Problem, Sequence[PendingClass]],
    flow: Packing,
    placing: Placing,
) -> Settled | None:
    """Return the flow with what does not fit put elsewhere.

    None where that leaves out a pod that the flow places, or costs more than next to nothing, and
    the stage is small enough to be searched for better.

    Parameters
    ----------
    stage
        The problem and its classes.
    flow
        Its relaxed optimum.
    placing
        What stands before the stage; left as it is.
    """
    problem, classes = stage
    trial = Placing(
        {k: list(v) for k, v in placing.pods.items()}, placing.free.copy(), placing.rules
    )
    before = [len(trial.pods.get(c.pod_class, ())) for c in classes]
    carry_out(problem, trimmed(problem, flow), classes, trial)
    for pending in sorted(classes, key=lambda c: (-c.rank[0], not c.rank[1], int(c.mask.sum()))):
        if trial.left(pending):
            fill(batch, pending, trial)
    pods = np.zeros(problem.feasible.shape, dtype=np.int32)
    for g, pending in enumerate(classes):
        nodes = [node for node, _ in trial.pods.get(pending.pod_class, [])[before[g] :]]
        np.add.at(pods[g], nodes, 1)
        placing.rules.counted(pending.number, nodes, -1)
    packing, bound = Packing(pods), flow.cost(problem)
    is_full = not (packing.unplaced(problem) > flow.unplaced(problem)).any()
    is_near = packing.cost(problem) <= bound * (1 + TOLERANCE) + len(classes)
    is_small = int(problem.feasible.sum()) <= batch.settings.effort.settle_columns
    if is_small and not (is_full and is_near):
        return None
    return Settled(packing, min(bound, packing.cost(problem)), is_optimal=False, method="repaired")


def trimmed(problem: Problem, packing: Packing) -> Packing:
    """Return a packing without what over-commits nodes: of low rank and large demand first."""
    pods = packing.pods.copy()
    for node in np.flatnonzero(overcommitted(problem, packing)).tolist():
        free = problem.free[node] - pods[:, node].astype(np.int64) @ problem.demand
        here = np.flatnonzero(pods[:, node])
        share = (problem.demand[here] * (free < 0)).sum(axis=1)
        for g in here[np.lexsort((share, problem.rank[here]))[::-1]].tolist():
            while pods[g, node] and ((free < 0) & (problem.demand[g] > 0)).any():
                pods[g, node] -= 1
                free = free + problem.demand[g]
    return Packing(pods)
