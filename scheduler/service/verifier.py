"""Measure before a binding: what a decision rests on may be older than a promise allows.

A pod stands assumed, so that its room is held, while the pairs that decide are measured. Then it is
bound, or given back to be decided on anew by what was found. Nothing here waits in the cycle's way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from structlog.typing import FilteringBoundLogger

from scheduler.domain.delay import Quantifier
from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment, Measured, Plan
from scheduler.domain.ports import Prober
from scheduler.domain.reasons import Cause, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.reference_nodes import ReferenceNodes
from scheduler.service.binding import Binder
from scheduler.service.measured_anew import DecidingPair, measured_anew, rtt_between
from scheduler.service.state import Runner, ServiceState
from telemetry.dated import Ages
from telemetry.model import UNKNOWN_US, RttTable
from telemetry.stamps import LOST_ENOUGH

_GATHER_S = 0.005
"""Pairs asked for within this time travel in one order a reference."""

_DELAY_CAUSES = frozenset({Cause.DELAY, Cause.DELAY_UNKNOWN})


@dataclass(frozen=True, slots=True)
class _Order:
    assignment: Assignment
    decision: str
    pairs: tuple[DecidingPair, ...]
    node: Node | None


class Verifier:
    """Holds assumed pods until what decides is measured, and refused ones until a star is."""

    def __init__(
        self, state: ServiceState, prober: Prober, binder: Binder, log: FilteringBoundLogger
    ) -> None:
        self._state = state
        self._prober = prober
        self._binder = binder
        self._log = log
        self._settings = state.settings.telemetry.verify
        self._orders: list[_Order] = []
        self._stars: list[tuple[Pod, tuple[str, ...]]] = []
        self._starred_s: dict[str, float] = {}
        self._nodes: tuple[ClusterSnapshot, ReferenceNodes] | None = None
        self._under_way = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    # What is to be measured

    def doubtful(
        self, assignment: Assignment, snapshot: ClusterSnapshot
    ) -> tuple[DecidingPair, ...]:
        """Return the pairs that decide and are too old to be believed unasked, if they can be."""
        if not self._settings.enabled or not isinstance(snapshot.rtt, Ages):
            return ()
        if all(m.constraint.is_soft for m in assignment.measured):
            return ()
        deciding = self._deciding(assignment, snapshot)
        old = [p for p in sorted(deciding) if self._is_old(p, snapshot.rtt)]
        return tuple(p for p in old if self._prober.can_probe(p.reference, (p.node,)))

    def stars(self, pod: Pod, refusal: Refusal, snapshot: ClusterSnapshot) -> tuple[str, ...]:
        """Return the references whose stars are to be measured before a refusal is told."""
        if not self._settings.enabled or not _DELAY_CAUSES & refusal.counts.keys():
            return ()
        if not isinstance(snapshot.rtt, Ages):
            return ()
        nodes, now_s = self._reference_nodes(snapshot), self._state.clock.now_s()
        names = {n for d in pod.pod_class.hard_delays for n in nodes.of(pod.pod_class, d)}
        limit_s = self._settings.star_age_seconds
        return tuple(
            name
            for name in sorted(names)
            if now_s - self._starred_s.get(name, -limit_s) >= limit_s
            and self._prober.can_probe(name, None)
        )

    def _deciding(self, assignment: Assignment, snapshot: ClusterSnapshot) -> set[DecidingPair]:
        """Return what a decision rests on: of ``any`` the nearest replica, of ``all`` each."""
        pod_class, node = assignment.pod.pod_class, assignment.node
        out = set()
        for measured in assignment.measured:
            delay = measured.constraint
            if delay.is_soft:
                continue
            names: Sequence[str] = (measured.reference_node,)
            if _may_be_all(measured):
                nodes = self._reference_nodes(snapshot)
                if nodes.must_all_hold(pod_class, delay):
                    names = nodes.of(pod_class, delay)
            out |= {DecidingPair(n, node, delay.within_us) for n in names if n not in ("", node)}
        return out

    def _reference_nodes(self, snapshot: ClusterSnapshot) -> ReferenceNodes:
        """Return where references run, worked out once a snapshot."""
        if self._nodes is None or self._nodes[0] is not snapshot:
            self._nodes = (snapshot, ReferenceNodes(snapshot))
        return self._nodes[1]

    async def prepare(self, plan: Plan, snapshot: ClusterSnapshot, runner: Runner) -> None:
        """Have what carrying out a plan will look up worked out away from the event loop."""
        if not self._settings.enabled or not isinstance(snapshot.rtt, Ages):
            return
        if any(_may_be_all(m) for a in plan.assignments for m in a.measured) or any(
            _DELAY_CAUSES & unplaced.refusal.counts.keys() for unplaced in plan.unplaced
        ):
            self._nodes = (snapshot, await runner(partial(ReferenceNodes, snapshot)))

    def _is_old(self, pair: DecidingPair, rtt: RttTable) -> bool:
        if not isinstance(rtt, Ages):
            return False
        i, j = rtt.index.get(pair.reference), rtt.index.get(pair.node)
        if i is None or j is None:
            return True
        age_s = float(rtt.age_s(np.array([i]), np.array([j]))[0])
        return age_s > self._settings.max_age_seconds

    # Measuring

    def put(
        self,
        assignment: Assignment,
        decision: str,
        pairs: tuple[DecidingPair, ...],
        snapshot: ClusterSnapshot,
    ) -> None:
        """Have an assumed pod bound once its pairs are measured and hold."""
        row = snapshot.nodes.index.get(assignment.node)
        node = None if row is None else snapshot.nodes.nodes[row]
        self._orders.append(_Order(assignment, decision, pairs, node))
        self._stir()

    def put_star(self, pod: Pod, references: tuple[str, ...]) -> None:
        """Have a refused pod decided on anew once the stars of its references are measured."""
        now_s = self._state.clock.now_s()
        for reference in references:
            self._starred_s[reference] = now_s
        self._stars.append((pod, references))
        self._stir()

    def _stir(self) -> None:
        self._idle.clear()
        self._arrived.set()

    async def drain(self) -> None:
        """Wait until all that was put here is settled."""
        await self._idle.wait()

    async def run(self) -> None:
        """Measure until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._arrived.wait()
                await asyncio.sleep(_GATHER_S)
                self._arrived.clear()
                orders, self._orders = self._orders, []
                stars, self._stars = self._stars, []
                for work in (partial(self._verify, orders), partial(self._measure_stars, stars)):
                    self._under_way += 1
                    group.create_task(self._settle(work))

    async def _settle(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a bug here must not end the service
            self._log.exception("verify.failed")
        finally:
            self._under_way -= 1
            if not self._under_way and not self._orders and not self._stars:
                self._idle.set()
            self._state.changed.set()

    async def _verify(self, orders: Sequence[_Order]) -> None:
        """Measure; a burst that is lost is repeated, until the pair is cut or answers."""
        answered: set[str] = set()
        for _ in range(LOST_ENOUGH):
            nodes_of = self._still_old(orders)
            if not nodes_of:
                break
            probes = [self._probe(name, tuple(sorted(nodes))) for name, nodes in nodes_of.items()]
            answers = await asyncio.gather(*probes)
            answered |= {name for name, ok in zip(nodes_of, answers, strict=True) if ok}
            if not all(answers):
                break
        for order in orders:
            try:
                self._judge(order, answered)
            except Exception:  # noqa: BLE001 - the pod must not be lost
                self._log.exception("verify.failed", pod=order.assignment.pod.key)
                self._give_back(order, "unanswered")

    def _still_old(self, orders: Sequence[_Order]) -> dict[str, set[str]]:
        """Return the nodes to be measured by reference: known, and not lately."""
        rtt, nodes_of = self._state.cache.rtt, dict[str, set[str]]()
        for order in orders:
            for pair in order.pairs:
                is_known = rtt_between(rtt, pair.reference, pair.node) != UNKNOWN_US
                if is_known and self._is_old(pair, rtt):
                    nodes_of.setdefault(pair.reference, set()).add(pair.node)
        return nodes_of

    async def _measure_stars(self, stars: Sequence[tuple[Pod, tuple[str, ...]]]) -> None:
        names = sorted({name for _, references in stars for name in references})
        answers = await asyncio.gather(*(self._probe(name, None) for name in names))
        for name, answered in zip(names, answers, strict=True):
            self._state.metrics.count_verified("star" if answered else "star_unanswered")
            self._log.info("rtt.star", reference=name, answered=answered)
        for pod, _ in stars:
            self._state.queue.again(pod, self._state.clock.now_s())

    async def _probe(self, reference: str, nodes: tuple[str, ...] | None) -> bool:
        try:
            async with asyncio.timeout(2 * self._settings.timeout_seconds):
                return await self._prober.probe(reference, nodes)
        except Exception as error:  # noqa: BLE001 - as good as no answer
            self._log.warning("rtt.probe_failed", reference=reference, error=str(error))
            return False

    def _judge(self, order: _Order, answered: set[str]) -> None:
        """Bind, or give back, by what the table says now."""
        state, assignment = self._state, order.assignment
        rtt = state.cache.rtt
        if not state.cache.pods.is_assumed(assignment.pod, assignment.node):
            state.queue.again(assignment.pod, state.clock.now_s())
            return
        anew = measured_anew(assignment, order.pairs, rtt)
        is_old = any(self._is_old(pair, rtt) for pair in order.pairs)
        if anew is None:
            self._give_back(order, "refuted")
        elif is_old and not {pair.reference for pair in order.pairs} <= answered:
            self._give_back(order, "unanswered")
        elif is_old:
            self._give_back(order, "lost")
        elif order.node is None or state.cache.node(assignment.node) != order.node:
            self._give_back(order, "outdated")
        else:
            state.metrics.count_verified("held")
            self._binder.put(replace(assignment, measured=anew), order.decision)

    def _give_back(self, order: _Order, outcome: str) -> None:
        state, pod, now_s = self._state, order.assignment.pod, self._state.clock.now_s()
        state.metrics.count_verified(outcome)
        self._log.info(
            "verify.given_back", pod=pod.key, node=order.assignment.node, outcome=outcome
        )
        state.queue.wake(state.cache.pods.forget(pod), now_s)
        if outcome in ("refuted", "outdated"):  # the next decision sees what this one did not
            state.queue.again(pod, now_s)
        else:
            state.queue.retry(pod, now_s)


def _may_be_all(measured: Measured) -> bool:
    """Whether a delay may have to hold from several nodes: it is not measured from a node it names.

    One that says ``any``, or names a node, rests on the node that was nearest alone.
    """
    delay = measured.constraint
    if delay.is_soft or delay.quantifier is Quantifier.ANY:
        return False
    return delay.quantifier is Quantifier.ALL or measured.reference_node != delay.reference.name
