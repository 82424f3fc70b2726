"""One cycle: a batch of pods in, bindings and refusals out.

1. freeze what is known; 2. decide, away from the event loop; 3. drop what changed meanwhile;
4. assume; 5. hand the bindings over; 6. say why the others wait.

Between two steps that do not wait, nothing else runs: cache and queue cannot change under a step.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from structlog.typing import FilteringBoundLogger

from scheduler.domain.errors import PlanRejected
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.service.binding import decision_id
from scheduler.service.dependants import Dependants
from scheduler.service.hands import Hands
from scheduler.service.second_look import SecondLook
from scheduler.service.standing import refers_to_pods
from scheduler.service.state import PlanFunction, Runner, ServiceState
from scheduler.service.still_holds import still_holds
from scheduler.service.unlisted import undecidable
from scheduler.service.waiting import WaitingNotes
from scheduler.service.wake import WakeAll

DOUBT_S = 30.0
"""How long an unanswered binding is sent again to the same node, where it may have arrived."""

SETTLED_S = 70.0
"""How long after the last one without an answer a binding cannot come about any more: the API
server gives a request 60 s (``--request-timeout``), and the watch then tells within a second."""

_INTERNAL = "the decision failed with an internal error and is tried again: {}"


@dataclass(frozen=True, slots=True)
class Decider:
    """How a decision is made, and where: `runner` keeps the work off the event loop."""

    plan: PlanFunction
    runner: Runner


class SchedulingCycle:
    """Takes what is due from the queue and decides on it."""

    def __init__(
        self,
        state: ServiceState,
        decider: Decider,
        hands: Hands,
        waiting: WaitingNotes,
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._decider = decider
        self._hands = hands
        self._dependants = Dependants(state, hands, self._freeze, log)
        self._waiting = waiting
        self._log = log
        self._handed: set[str] = set()
        self._second_look = SecondLook(state, decider.runner, self._freeze)

    async def run(self) -> int:
        """Run one cycle; return the number of pods that were due. Never raises for a bad plan."""
        state, now_s = self._state, self._state.clock.now_s()
        batch = state.queue.take(now_s)
        if not batch:
            return 0
        self._handed.clear()
        try:
            await self._decide_doubted(batch)
            await self._decide_all([p for p in batch if state.cache.pods.doubted(p) is None])
        except Exception as error:  # noqa: BLE001 - the next batch must find a scheduler
            self._log.exception("cycle.failed", pods=len(batch))
            state.metrics.plan_failures.inc()
            state.journal.add(state.clock.wall_s(), "error", f"cycle failed: {error}")
            # What was refused may have been so for pods that now go nowhere.
            state.queue.wake([WakeAll("CycleFailed")], state.clock.now_s())
        self._return_leftovers(batch)
        state.metrics.batch_s.observe(state.clock.now_s() - now_s)
        return len(batch)

    # Pods whose binding went unanswered

    async def _decide_doubted(self, batch: Sequence[Pod]) -> None:
        """Send unanswered bindings once more where they still would be right.

        Such a pod may be bound already, so it may go nowhere else, and its room stays held.
        """
        state, now_s = self._state, self._state.clock.now_s()
        pinned: dict[str, Pod] = {}
        for pod in batch:
            record = state.cache.pods.doubted(pod)
            if record is not None and now_s - (record.doubted_at_s or 0.0) > DOUBT_S:
                self._give_up(pod, record.unanswered_s)
            elif record is not None:
                pod_class = replace(pod.pod_class, node_name=record.node)
                pinned[pod.key] = replace(pod, pod_class=pod_class)
        if not pinned:
            return
        plan, right = await self._decide_pinned(pinned)
        for pod in batch:
            record = state.cache.pods.doubted(pod)
            if record is None or pod.key not in pinned:
                continue
            if plan is not None and right.get(pod.key) == record.node:
                assignment = next(a for a in plan.assignments if a.pod.key == pod.key)
                # Sent once already: it was verified then, and may be bound.
                self._handed.add(pod.key)
                self._hands.binder.put(replace(assignment, pod=pod), decision_id(plan))
            else:
                self._give_up(pod, record.unanswered_s)

    async def _decide_pinned(self, pinned: dict[str, Pod]) -> tuple[Plan | None, dict[str, str]]:
        """Decide which of some doubted pods are right where they are, beside all others.

        One that is not may be bound all the same: it counts in the decision on the rest.
        """
        left = dict(pinned)
        while left:
            plan = await self._try(list(left.values()), self._freeze_doubted(list(left.values())))
            right = dict(plan.placement) if plan is not None else {}
            good = {k: pod for k, pod in left.items() if right.get(k) == pod.pod_class.node_name}
            if len(good) == len(left):
                return plan, right
            left = good
        return None, {}

    def _freeze_doubted(self, pods: Sequence[Pod]) -> ClusterSnapshot:
        """Return a snapshot in which these assumed pods are pending and their room is free."""
        cache = self._state.cache
        with cache.pods.without(pods):
            return self._freeze(pods)

    def _give_up(self, pod: Pod, unanswered_s: float) -> None:
        """Send no more; forget the binding once it can no more be carried out unseen."""
        state, now_s = self._state, self._state.clock.now_s()
        if now_s - unanswered_s > SETTLED_S:
            state.queue.wake(state.cache.pods.forget(pod), now_s)
        state.queue.retry(pod, now_s)

    # All others

    async def _decide_all(self, batch: Sequence[Pod]) -> None:
        """Decide on a batch; where the decision fails, on its halves, to find the pod at fault."""
        parts = deque([list(batch)] if batch else [])
        while parts:
            part = parts.popleft()
            current = self._decidable([p for p in part if self._state.queue.is_current(p)])
            if not current:
                continue
            self._second_look.note()
            snapshot = self._freeze(current)
            plan = await self._try(current, snapshot)
            if plan is not None and await self._second_look.is_right(plan, snapshot):
                await self._carry_out(plan, current, snapshot)
            elif plan is not None:
                self._decide_again(current)
            elif len(current) > 1:
                middle = len(current) // 2
                parts.extendleft([current[middle:], current[:middle]])

    def _decide_again(self, pods: Sequence[Pod]) -> None:
        """Put back pods whose plan does not stand by what was learnt while it was made."""
        now_s = self._state.clock.now_s()
        self._log.info("plan.overtaken", pods=len(pods))
        for pod in pods:
            self._state.queue.again(pod, now_s)

    def _decidable(self, pods: list[Pod]) -> list[Pod]:
        """Return the pods that can be decided on; the others know why not, and wait."""
        state, unlisted = self._state, self._state.cache.unlisted
        if not unlisted:
            return pods
        why = undecidable(pods, state.cache.pods.freeze().classes, unlisted)
        for pod in pods:
            if pod.key in why:
                self._waiting.say(pod, why[pod.key], "SchedulerError")
        return [pod for pod in pods if pod.key not in why]

    def _freeze(self, pods: Sequence[Pod]) -> ClusterSnapshot:
        state = self._state
        up_for_decision = {pod.key for pod in pods}
        others = [q.pod for q in state.queue.in_flight() if q.pod.key not in up_for_decision]
        unplaced = [p for p in others if state.cache.pods.is_pending(p)]
        held = state.intake.held() + unplaced
        return state.cache.freeze(pods, state.clock.wall_s(), held)

    async def _try(self, pods: Sequence[Pod], snapshot: ClusterSnapshot) -> Plan | None:
        """Return the plan, or None where the decision failed; the pods then know why they wait."""
        state, decider = self._state, self._decider
        started_s = state.clock.now_s()
        try:
            plan = await decider.runner(partial(decider.plan, snapshot, state.settings.placement))
        except PlanRejected as error:
            state.metrics.plans_rejected.inc()
            self._log.error("plan.rejected", pods=len(pods), violations=error.violations)
            self._tell_failure(pods, f"plan rejected, {error}")
            return None
        except Exception as error:  # noqa: BLE001 - a bug in a decision must not end the service
            state.metrics.plan_failures.inc()
            self._log.exception("plan.failed", pods=len(pods))
            self._tell_failure(pods, f"{type(error).__name__}: {error}")
            return None
        state.metrics.algorithm_s.observe(state.clock.now_s() - started_s)
        return plan

    def _tell_failure(self, pods: Sequence[Pod], what: str) -> None:
        state = self._state
        state.journal.add(state.clock.wall_s(), "error", what)
        if len(pods) == 1 and state.queue.is_current(pods[0]):
            self._waiting.say(pods[0], _INTERNAL.format(what), "SchedulerError")

    async def _carry_out(self, plan: Plan, batch: Sequence[Pod], snapshot: ClusterSnapshot) -> None:
        decision = decision_id(plan)
        asked = {pod.key: pod for pod in batch}
        self._log.info(
            "plan.made",
            pods=len(batch),
            assigned=len(plan.assignments),
            decision=decision,
            cost=plan.stats.cost,
            method=plan.stats.method,
        )
        dependants: list[Assignment] = []
        for assignment in plan.assignments:
            if asked.pop(assignment.pod.key, None) is None:
                self._log.error("plan.unasked", pod=assignment.pod.key, node=assignment.node)
            elif refers_to_pods(assignment, snapshot):
                dependants.append(assignment)
            else:
                self._assume(assignment, snapshot, decision)
        for unplaced in plan.unplaced:
            if asked.pop(unplaced.pod.key, None) is not None:
                self._refuse(unplaced, snapshot)
        if self._hands.verifier is not None:
            self._hands.verifier.end_plan()
        assume = partial(self._assume, snapshot=snapshot, decision=decision)
        self._handed |= await self._dependants.carry_out(dependants, plan.assignments, assume)

    def _assume(self, assignment: Assignment, snapshot: ClusterSnapshot, decision: str) -> None:
        """Assume a pod, unless it or what the decision rests on changed while it was made."""
        state, pod, now_s = self._state, assignment.pod, self._state.clock.now_s()
        if not state.queue.is_current(pod) or not state.cache.pods.is_pending(pod):
            state.queue.again(pod, now_s)
            state.queue.wake(state.cache.pods.renounce(pod, assignment.node), now_s)
        elif not still_holds(assignment, snapshot, state.cache) or not state.cache.storage.assume(
            assignment.volumes, assignment.node, pod.uid
        ):
            self._log.info("plan.outdated", pod=pod.key, node=assignment.node)
            state.queue.retry(pod, now_s)
            state.queue.wake(state.cache.pods.renounce(pod, assignment.node), now_s)
        else:
            wakes = state.cache.pods.assume(
                pod, assignment.node, backup=assignment.backup, replaces=assignment.replaces
            )
            if assignment.replaces:
                wakes += state.cache.kept.replaced(assignment.replaces)
            state.queue.wake(wakes, now_s)
            self._handed.add(pod.key)
            node = snapshot.nodes.nodes[snapshot.nodes.index[assignment.node]]
            self._hands.put(assignment, decision, node)

    def _refuse(self, unplaced: Unplaced, snapshot: ClusterSnapshot) -> None:
        state, pod, now_s = self._state, unplaced.pod, self._state.clock.now_s()
        queued = state.queue.get(pod.key)
        if (
            queued is None
            or not state.queue.is_current(pod)
            or not state.cache.pods.is_pending(pod)
        ):
            state.queue.again(pod, now_s)
            return
        verifier = self._hands.verifier
        if verifier is not None:
            references = verifier.stars(pod, unplaced.refusal, snapshot)
            if references:
                self._handed.add(pod.key)
                verifier.put_star(pod, references)
                return
        queued.refusal = unplaced.refusal
        self._waiting.say(pod, unplaced.refusal.message, unplaced.refusal.condition)
        state.metrics.count_attempts("unschedulable", 1, now_s - queued.taken_s)
        state.queue.park(pod, now_s)

    def _return_leftovers(self, batch: Sequence[Pod]) -> None:
        """Put back what was neither handed over nor refused, so that no pod is lost."""
        state, now_s = self._state, self._state.clock.now_s()
        for pod in batch:
            if pod.key not in self._handed and state.queue.is_in_flight(pod):
                state.metrics.count_attempts("error", 1)
                state.queue.retry(pod, now_s)
