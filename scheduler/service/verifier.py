"""Measure before a binding: what a decision rests on may be older than a promise allows.

A pod stands assumed, so that its room is held, while the pairs that decide are measured. Then it is
bound, or given back to be decided on anew by what was found. What is judged, before and after each
probe, is the cluster of that moment: references may have moved, budgets changed. Nothing here waits
in the cycle's way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from structlog.typing import FilteringBoundLogger

from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment
from scheduler.domain.ports import Prober
from scheduler.domain.reasons import Cause, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.reference_nodes import ReferenceNodes
from scheduler.service.deciding import Pair, as_it_stands, is_old
from scheduler.service.second_look import TRIES
from scheduler.service.stars import Stars
from scheduler.service.state import Runner, ServiceState
from telemetry.dated import Ages
from telemetry.stamps import LOST_ENOUGH

_GATHER_S = 0.005
"""What is handed over within this time is judged together, and its probes travel together."""

_DELAY_CAUSES = frozenset({Cause.DELAY, Cause.DELAY_UNKNOWN})


@dataclass(slots=True)
class _Order:
    """An assumed pod. `node` is its node as the decision saw it."""

    assignment: Assignment
    decision: str
    node: Node | None
    was_probed: bool = False


class Verifier:
    """Holds assumed pods until what decides is measured, and refused ones until a star is.

    `onward` takes an assumed pod whose delays hold, and the id of its decision.
    """

    def __init__(
        self,
        state: ServiceState,
        prober: Prober,
        onward: Callable[[Assignment, str], None],
        runner: Runner,
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._prober = prober
        self._onward = onward
        self._runner = runner
        self._log = log
        self._settings = state.settings.telemetry.verify
        self._stars = Stars(state, prober, log)
        self._looked_up: tuple[ClusterSnapshot, ReferenceNodes] | None = None
        self._orders: list[_Order] = []
        self._starred: list[tuple[Pod, tuple[str, ...]]] = []
        self._unsettled: set[str] = set()
        self._settled = asyncio.Event()
        self._arrived = asyncio.Event()

    # For the cycle

    def concerns(self, assignment: Assignment) -> bool:
        """Whether an assignment has to pass here on its way to its binding."""
        return (
            self._settings.enabled
            and isinstance(self._state.cache.rtt, Ages)
            and not all(m.constraint.is_soft for m in assignment.measured)
        )

    def put(self, assignment: Assignment, decision: str, node: Node | None) -> None:
        """Have an assumed pod handed on once what it rests on is measured and holds.

        `node` is its node as the decision saw it.
        """
        self._unsettled.add(assignment.pod.key)
        self._orders.append(_Order(assignment, decision, node))
        self._arrived.set()

    def stars(self, pod: Pod, refusal: Refusal, snapshot: ClusterSnapshot) -> tuple[str, ...]:
        """Return the references whose stars are to be measured before a refusal is told."""
        if not self._settings.enabled or not _DELAY_CAUSES & refusal.counts.keys():
            return ()
        if not isinstance(snapshot.rtt, Ages):
            return ()
        delays = pod.pod_class.hard_delays
        names = {d.reference.name for d in delays if d.reference.kind in ("auto", "node")}
        if not names <= snapshot.nodes.index.keys() or len(names) < len(delays):
            if self._looked_up is None or self._looked_up[0] is not snapshot:
                self._looked_up = (snapshot, ReferenceNodes(snapshot))  # walks over all that runs
            nodes = self._looked_up[1]
            names = {n for d in delays for n in nodes.of(pod.pod_class, d)}
        return self._stars.wanted(names)

    def end_plan(self) -> None:
        """Hold on to no snapshot of a plan that is carried out."""
        self._looked_up = None

    def put_star(self, pod: Pod, references: tuple[str, ...]) -> None:
        """Have a refused pod decided on anew once the stars of its references are measured."""
        self._starred.append((pod, references))
        self._arrived.set()

    async def drain(self, keys: Collection[str]) -> None:
        """Wait until these pods are handed on or given back."""
        while not self._unsettled.isdisjoint(keys):
            self._settled.clear()
            await self._settled.wait()

    # At work

    async def run(self) -> None:
        """Measure until cancelled."""
        async with asyncio.TaskGroup() as group:

            def start(work: Awaitable[None]) -> None:
                group.create_task(self._guarded(work))

            while True:
                await self._arrived.wait()
                await asyncio.sleep(_GATHER_S)
                self._arrived.clear()
                orders, self._orders = self._orders, []
                starred, self._starred = self._starred, []
                # Who waits for an agent that hangs holds up nobody with other references.
                groups: dict[frozenset[str], list[_Order]] = {}
                for order in orders:
                    measured = order.assignment.measured
                    names = frozenset(m.reference_node for m in measured)
                    groups.setdefault(names, []).append(order)
                for group_orders in groups.values():
                    start(self._verify(group_orders))
                for pod, references in starred:
                    self._stars.begin(references, start)
                    start(self._await_stars(pod, references))

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - a bug here must not end the service
            self._log.exception("verify.failed")
        finally:
            self._state.changed.set()

    async def _await_stars(self, pod: Pod, references: tuple[str, ...]) -> None:
        try:
            await self._stars.ended(references)
        finally:
            self._state.queue.again(pod, self._state.clock.now_s())

    async def _verify(self, orders: Sequence[_Order]) -> None:
        """Judge, measure what is old, judge again; a burst that is lost is repeated."""
        left = list(orders)
        try:
            for _ in range(LOST_ENOUGH):
                old = await self._judged(left)
                if not old:
                    return
                failed = await self._measured(pair for _, pairs in old for pair in pairs)
                left = []
                for order, pairs in old:
                    order.was_probed = True
                    if not failed.isdisjoint(pairs):
                        self._give_back(order, "unanswered")
                    else:
                        left.append(order)
            for order, _ in await self._judged(left):
                self._give_back(order, "lost")
        finally:
            for order in orders:  # whatever went wrong, no pod may be lost
                if order.assignment.pod.key in self._unsettled:
                    self._give_back(order, "unanswered")

    async def _judged(self, orders: Sequence[_Order]) -> list[tuple[_Order, tuple[Pair, ...]]]:
        """Settle what can be by what is known now; return the others, with what to measure."""
        nodes = await self._reference_nodes()
        judged = [(order, self._judge(order, nodes)) for order in orders]
        return [(order, pairs) for order, pairs in judged if pairs]

    async def _reference_nodes(self) -> ReferenceNodes:
        """Return where references run; anew where they went or moved while that was worked out."""
        state, tries = self._state, 0
        while True:
            seen, tries = state.cache.pods.changes, tries + 1
            snapshot = state.cache.freeze((), state.clock.wall_s(), state.intake.held())
            nodes = await self._runner(partial(ReferenceNodes, snapshot))
            if tries == TRIES or state.cache.pods.changes == seen:
                return nodes

    def _judge(self, order: _Order, nodes: ReferenceNodes) -> tuple[Pair, ...]:
        """Hand on, or give back; or return the pairs that are to be measured first."""
        state, assignment = self._state, order.assignment
        pod, node = assignment.pod, assignment.node
        if not state.cache.pods.is_assumed(pod, node):
            self._settle(order)
            wakes = state.cache.storage.release(assignment.volumes, pod.uid)
            # Where its node is gone it still counts as placed there, and could never be decided on.
            wakes += state.cache.pods.forget(pod)
            state.queue.wake(wakes, state.clock.now_s())
            state.queue.again(pod, state.clock.now_s())
            return ()
        is_same = order.node is not None and state.cache.node(node) == order.node
        if not is_same or not state.queue.is_current(pod):
            self._give_back(order, "outdated")
            return ()
        standing = as_it_stands(assignment, nodes, state.cache.rtt)
        if standing is None:
            self._give_back(order, "refuted")
            return ()
        old = tuple(pair for pair in standing.pairs if self._is_to_measure(pair))
        if not old:
            if order.was_probed:
                state.metrics.count_verified("held")
            self._settle(order)
            self._onward(replace(assignment, measured=standing.measured), order.decision)
        return old

    def _is_to_measure(self, pair: Pair) -> bool:
        """Whether a pair is old, and somebody can be asked."""
        now_s, limit_s = self._state.clock.now_s(), self._settings.max_age_seconds
        return is_old(
            pair, self._state.cache.rtt, now_s=now_s, max_age_s=limit_s
        ) and self._prober.can_probe(pair.reference, (pair.node,))

    async def _measured(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Have pairs measured; return those of which no answer came.

        From the reference in one go; where its agent is not there, by each of the other ends.
        """
        together: dict[tuple[str, str], set[Pair]] = {}
        for pair in pairs:
            is_there = self._prober.can_probe(pair.reference, None)
            end = "" if is_there else pair.node
            together.setdefault((pair.reference, end), set()).add(pair)
        answers = await asyncio.gather(
            *(
                self._probe(reference, tuple(sorted(pair.node for pair in group)))
                for (reference, _), group in together.items()
            )
        )
        groups = zip(together.values(), answers, strict=True)
        return {pair for group, ok in groups if not ok for pair in group}

    async def _probe(self, reference: str, nodes: tuple[str, ...]) -> bool:
        try:
            return await self._prober.probe(reference, nodes)
        except Exception as error:  # noqa: BLE001 - as good as no answer
            self._log.warning("rtt.probe_failed", reference=reference, error=str(error))
            return False

    def _give_back(self, order: _Order, outcome: str) -> None:
        state, pod, now_s = self._state, order.assignment.pod, self._state.clock.now_s()
        self._settle(order)
        state.metrics.count_verified(outcome)
        self._log.info(
            "verify.given_back", pod=pod.key, node=order.assignment.node, outcome=outcome
        )
        state.queue.wake(state.cache.storage.release(order.assignment.volumes, pod.uid), now_s)
        state.queue.wake(state.cache.pods.forget(pod), now_s)
        if outcome in ("refuted", "outdated"):  # the next decision sees what this one did not
            state.queue.again(pod, now_s)
        else:
            state.queue.retry(pod, now_s)

    def _settle(self, order: _Order) -> None:
        self._unsettled.discard(order.assignment.pod.key)
        self._settled.set()
