"""Decisions on yesterday's matrix, measured at the binding: what that prevents, and what it costs.

The service decides on the snapshot of t-1 by `plan`, has the deciding pair measured, which reads
the value of t, judges by `within_budgets` and, on failure, decides anew by what was found. Before a
pod is unschedulable, the whole star of its reference is measured once. Snapshots are hours apart,
where a running mesh is minutes old at most: harder than it will be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay.snapshots import NAMES, AgedMatrix, matrix, truths
from scheduler.domain.delay import DelayConstraint, Reference
from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment
from scheduler.domain.resources import CPU, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from scheduler.service.still_holds import within_budgets

BUDGETS_MS = (5, 10, 25, 50, 100)


@dataclass(frozen=True, slots=True)
class Question:
    """A pod within a budget of a reference, some nodes being full, between two snapshots."""

    at: int
    budget_ms: int
    reference: int
    is_full: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one decision went.

    `node` is where the pod was bound, -1 for unschedulable. `unverified` is where it had been bound
    without measuring. `probes` are pairs measured one by one; `stars` whole rows. `is_false` says
    that the value at binding exceeds the budget; `is_missed` that a node in budget was there and
    none found; `was_false` and `was_missed` say so of the answer without measuring. `has_margin`
    says that the pod was bound with a tenth of its budget to spare.
    """

    node: int
    unverified: int
    probes: int
    stars: int
    is_false: bool
    is_missed: bool
    was_false: bool
    was_missed: bool
    has_margin: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """All decisions together; shares of one."""

    decisions: int
    false_admits: int
    false_admits_unverified: int
    mean_probes: float
    p99_probes: float
    stars_share: float
    missed_share: float
    missed_share_unverified: float
    margin_share: float
    """Of the bound pods, those with a tenth of their budget to spare."""


def questions(
    count: int, room_share: float, rng: np.random.Generator, budgets_ms: Sequence[int] = BUDGETS_MS
) -> Iterator[Question]:
    """Yield random questions, budgets in turn.

    Parameters
    ----------
    count
        How many.
    room_share
        Share of the nodes that have room: few, or the nearest would nearly always do.
    rng
        Chooses snapshots, references and the nodes with room.
    budgets_ms
        Asked for in turn, milliseconds.
    """
    n = len(NAMES)
    for k in range(count):
        is_full = rng.random(n) >= room_share
        reference = int(rng.integers(n))
        is_full[reference] = True  # or the reference's own node would do, at 0 ms
        at = int(rng.integers(1, len(truths())))
        yield Question(at, budgets_ms[k % len(budgets_ms)], reference, is_full)


class Replay:
    """Answers questions through the scheduler's own functions."""

    def __init__(self, settings: PlacementSettings) -> None:
        self._settings = settings
        nodes = [Node(name, {CPU: 4_000, PODS: 110}) for name in NAMES]
        self._base = build_snapshot(nodes, [_pod(0, 1)])
        self._tables = [matrix(rtt_us) for rtt_us in truths()]

    def answer(self, question: Question) -> Outcome:
        """Return how a decision goes."""
        known, truth = self._tables[question.at - 1], truths()[question.at]
        pod = _pod(question.reference, question.budget_ms)
        probes = stars = 0
        first = self._decided(pod, question, known)
        chosen = first
        while True:
            if chosen is None:
                if stars:
                    break
                stars += 1
                known = _measured(known, question.reference, range(len(NAMES)), truth)
            else:
                node = NAMES.index(chosen.node)
                known = _measured(known, question.reference, [node], truth)
                probes += 1
                if within_budgets(chosen, known):
                    break
            chosen = self._decided(pod, question, known)
        return _judged(question, first, chosen, probes, stars)

    def _decided(self, pod: Pod, question: Question, known: AgedMatrix) -> Assignment | None:
        made = plan(_frozen(self._base, pod, question.is_full, known), self._settings)
        return made.assignments[0] if made.assignments else None


def tally(outcomes: Sequence[Outcome]) -> Tally:
    """Return the figures of many decisions."""
    probes = np.array([o.probes for o in outcomes if o.probes])
    stays = len(outcomes)
    return Tally(
        stays,
        sum(o.is_false for o in outcomes),
        sum(o.was_false for o in outcomes),
        float(probes.mean()) if len(probes) else 0.0,
        float(np.quantile(probes, 0.99)) if len(probes) else 0.0,
        sum(o.stars for o in outcomes) / stays,
        sum(o.is_missed for o in outcomes) / stays,
        sum(o.was_missed for o in outcomes) / stays,
        sum(o.has_margin for o in outcomes) / max(1, sum(o.node >= 0 for o in outcomes)),
    )


def _pod(reference: int, budget_ms: int) -> Pod:
    delay = DelayConstraint(Reference("node", NAMES[reference], "default"), budget_ms * 1000)
    return Pod("p", PodClass(requests=resources({CPU: 100}), delays=(delay,)))


def _frozen(
    base: ClusterSnapshot, pod: Pod, is_full: NDArray[np.bool_], rtt: AgedMatrix
) -> ClusterSnapshot:
    return replace(
        base, nodes=replace(base.nodes, is_unschedulable=is_full), pending=(pod,), rtt=rtt
    )


def _measured(
    known: AgedMatrix, reference: int, nodes: Sequence[int], truth: NDArray[np.int32]
) -> AgedMatrix:
    return known.with_pairs({(reference, j): int(truth[reference, j]) for j in nodes})


def _judged(
    question: Question, first: Assignment | None, last: Assignment | None, probes: int, stars: int
) -> Outcome:
    far_us = truths()[question.at][question.reference]
    is_near = (far_us <= question.budget_ms * 1000) & ~question.is_full
    before, after = (-1 if a is None else NAMES.index(a.node) for a in (first, last))
    return Outcome(
        after,
        before,
        probes,
        stars,
        is_false=after >= 0 and not is_near[after],
        is_missed=after < 0 and bool(is_near.any()),
        was_false=before >= 0 and not is_near[before],
        was_missed=before < 0 and bool(is_near.any()),
        has_margin=after >= 0 and 10 * far_us[after] <= 9_000 * question.budget_ms,
    )
