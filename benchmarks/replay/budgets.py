"""Running pods whose links drift: which broken budgets are believed, and how often wrongly.

A pod arrives at one of the first twelve snapshots, by chance. It is admitted if its pair is within
the budget less the margin then, and is followed by `broken_budgets` and `confirmed` from the next
snapshot on until it is evicted. The bursts are remembered by the real store. Snapshots are hours
apart, where the service probes a suspect again within seconds: what counts here as three
confirmations are three snapshots. *Patient* pods ask again at every snapshot until they are
admitted, and so collect the pairs that were near just once: the hardest case.

An eviction is *wrong* when the median of the snapshot it happens at and the two after it is within
the budget: the violation was over. It *reverts* when the very next value is. A *missed* step is one
at which a pod is still there and that median is beyond its budget.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay.snapshots import NAMES, STEP_S, sustained_us, truths
from scheduler.domain.delay import DelayConstraint, Reference
from scheduler.domain.node import Node
from scheduler.domain.resources import PODS
from scheduler.domain.snapshot import PlacedPods, build_snapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.reliability.budgets import broken_budgets
from scheduler.reliability.confirmed import confirmed
from telemetry.agent.wire import node_key
from telemetry.keeping import KeepSettings
from telemetry.rows import MeasuredRow
from telemetry.store import RttStore

BUDGETS_MS = (10, 25, 50, 100)
_ARRIVALS = 12  # so that every pod is followed for six snapshots at least
_DAYS_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """When a pod is admitted and when its budget counts as broken."""

    margin_percent: int
    confirmations: int
    is_patient: bool = False

    @property
    def text(self) -> str:
        """For people."""
        admits = f"admitted with {self.margin_percent} % margin"
        times = "at once" if self.confirmations == 1 else f"after {self.confirmations} in a row"
        return f"{admits if self.margin_percent else 'admitted within budget'}, evicted {times}" + (
            ", patient pods" if self.is_patient else ""
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """What came of a rule. `judged` are evictions whose next two snapshots are known."""

    steps: int
    evictions: int
    judged: int
    wrong: int
    reverting: int
    missed: int

    @property
    def per_thousand(self) -> float:
        """Evictions per 1,000 pair-steps."""
        return 1_000 * self.evictions / max(1, self.steps)

    @property
    def wrong_share(self) -> float:
        """Share of the judged evictions that were wrong."""
        return self.wrong / max(1, self.judged)

    @property
    def reverting_share(self) -> float:
        """Share of the judged evictions whose next value is within the budget."""
        return self.reverting / max(1, self.judged)

    @property
    def missed_per_thousand(self) -> float:
        """Missed steps per 1,000 pair-steps."""
        return 1_000 * self.missed / max(1, self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs that are followed, columns of shape ``(k,)``, sorted by reference.

    `arrives` is the snapshot at which the pods of a pair do.
    """

    reference: NDArray[np.int64]
    node: NDArray[np.int64]
    arrives: NDArray[np.int64]


def some_pairs(a_reference: int, rng: np.random.Generator) -> Pairs:
    """Return so many pairs of every node: which node drifts matters more than which pair."""
    n = len(NAMES)
    steps = [rng.choice(n - 1, a_reference, replace=False) + 1 for _ in range(n)]
    reference = np.repeat(np.arange(n), a_reference)
    node = (reference + np.concatenate(steps)) % n
    return Pairs(reference, node, rng.integers(0, _ARRIVALS, len(node)))


class RememberedBursts:
    """The store, fed with what the references' agents measure at each snapshot."""

    def __init__(self, pairs: Pairs) -> None:
        self.now_s = 0.0
        self._pairs = pairs
        self._store = RttStore(KeepSettings(), lambda: self.now_s)
        self._store.know(NAMES)
        self._store.focus(frozenset(NAMES))
        self._keys = np.array([node_key(name) for name in NAMES], dtype=np.uint64)

    def measure(self, truth: NDArray[np.int32]) -> None:
        """Have every reference measure its pairs."""
        self.now_s += STEP_S
        cuts = np.searchsorted(self._pairs.reference, np.arange(1, len(NAMES)))
        for reference, nodes in enumerate(np.split(self._pairs.node, cuts)):
            rtt_us, small = truth[reference, nodes], np.zeros(len(nodes), dtype=np.uint8)
            row = MeasuredRow(
                NAMES[reference],
                self._keys[nodes],
                rtt_us,
                rtt_us,
                age_ms=np.zeros(len(nodes), dtype=np.uint32),
                sent=small + 3,
                lost=small,
                method=small + 1,
            )
            self._store.take(row)

    @property
    def store(self) -> RttStore:
        """The store itself."""
        return self._store

    def recent_us(self, reference_node: str, node: str) -> tuple[int, ...] | None:
        """Return the last bursts of a pair, newest last."""
        detail = self._store.detail(reference_node, node, _DAYS_S)
        return () if detail is None else detail.recent_us


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """One pod for each pair of a reference and another node, and each budget; columns of ``p``."""

    placed: PlacedPods
    reference: NDArray[np.int64]
    node: NDArray[np.int64]
    within_us: NDArray[np.int64]
    row_of: dict[str, int]


def fleet(pairs: Pairs) -> Fleet:
    """Return all pods that can be followed."""
    pods: list[Pod] = []
    classes: dict[tuple[int, int], PodClass] = {}
    columns: list[tuple[int, int, int, int]] = []
    order = {key: k for k, key in enumerate(product(range(len(NAMES)), BUDGETS_MS))}
    for reference, budget_ms in order:
        to = Reference("node", NAMES[reference], "default")
        classes[reference, budget_ms] = PodClass(delays=(DelayConstraint(to, budget_ms * 1000),))
    for reference, node in zip(pairs.reference.tolist(), pairs.node.tolist(), strict=True):
        for budget_ms in BUDGETS_MS:
            key = (reference, budget_ms)
            columns.append((reference, node, budget_ms * 1000, order[key]))
            pods.append(Pod(f"p{len(pods)}", classes[key]))
    table = np.array(columns, dtype=np.int64)
    placed = PlacedPods(
        tuple(pods),
        table[:, 1].astype(np.int32),
        tuple(classes.values()),
        table[:, 3].astype(np.int32),
        np.ones(len(pods), dtype=np.bool_),
    )
    row_of = {pod.key: row for row, pod in enumerate(pods)}
    return Fleet(placed, table[:, 0], table[:, 1], table[:, 2], row_of)


def drift(rule: Rule, pairs: Pairs) -> Drift:
    """Return what comes of a rule over all snapshots."""
    bursts, pods = RememberedBursts(pairs), fleet(pairs)
    base = build_snapshot([Node(name, {PODS: 110}) for name in NAMES], [])
    limit_us = pods.within_us * (100 - rule.margin_percent) // 100
    arrives = np.repeat(pairs.arrives, len(BUDGETS_MS))
    was_in = np.zeros(len(limit_us), dtype=np.bool_)
    is_out = was_in.copy()
    found = np.zeros(6, dtype=np.int64)
    for now, truth in enumerate(truths()):
        bursts.measure(truth)
        rtt_us = truth[pods.reference, pods.node]
        here = was_in & ~is_out
        # Who is not here counts as terminating, which has no budget any more.
        placed = replace(pods.placed, is_terminating=~here)
        snapshot = replace(base, placed=placed, rtt=bursts.store.frozen())
        believed = confirmed(broken_budgets(snapshot), bursts, rule.confirmations)
        evicted = np.array([pods.row_of[b.pod.key] for b in believed], dtype=np.int64)
        found[:2] += (int(here.sum()), len(evicted))
        is_out[evicted] = True
        lasting = sustained_us(truths(), now)
        if lasting is not None:
            found[2:] += _judged(pods, evicted, here & ~is_out, lasting, truths()[now + 1])
        was_in |= (rtt_us <= limit_us) & ((arrives == now) | rule.is_patient)
    return Drift(*found.tolist())


def _judged(
    pods: Fleet,
    evicted: NDArray[np.int64],
    stays: NDArray[np.bool_],
    lasting: NDArray[np.int32],
    following: NDArray[np.int32],
) -> tuple[int, int, int, int]:
    """Return evictions judged, wrong and reverting, and pods that stay in spite of a violation."""
    holds = lasting[pods.reference, pods.node] <= pods.within_us
    returns = following[pods.reference, pods.node] <= pods.within_us
    missed = int((stays & ~holds).sum())
    return len(evicted), int(holds[evicted].sum()), int(returns[evicted].sum()), missed
