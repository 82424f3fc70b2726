"""Decisions carried out: bindings sent concurrently, each answer believed only for what it says."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cover import BACKUP_ANNOTATION, REPLACES_ANNOTATION
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import BindConflict, BindHeldBack, BindRefused
from scheduler.domain.plan import Assignment, Measured, Plan
from scheduler.domain.ports import Binding, Cluster, PodNote
from scheduler.domain.workload import Pod
from scheduler.service.notes import NoteWriter
from scheduler.service.state import ServiceState
from scheduler.service.still_holds import may_be_sent
from scheduler.service.waiting import WAITING_REASON, WaitingNotes

RTT_ANNOTATION = "isochrone.dev/rtt"
DECISION_ANNOTATION = "isochrone.dev/decision"

IN_FLIGHT = 64
"""Bindings under way at a time: one at a time reaches 380/s on a real API server, 64 1,100/s."""


def decision_id(plan: Plan) -> str:
    """Return a short name of what a plan decides: equal plans have equal names."""
    rows = sorted(f"{a.pod.key} {a.pod.uid} {a.node}" for a in plan.assignments)
    return hashlib.blake2s("\n".join(rows).encode(), digest_size=8).hexdigest()


def annotations(assignment: Assignment, decision: str) -> tuple[tuple[str, str], ...]:
    """Return what travels on the Binding to the pod.

    Which decision it was, its backup, the pod it replaces and what it takes over from that one, and
    the measured RTTs:
    ``isochrone.dev/rtt: "edge-1=12.3ms,service/db@edge-7=3ms"``: what was measured from, at which
    node where that is another name, and the RTT.
    """
    out = [(DECISION_ANNOTATION, decision)]
    if assignment.backup:
        out.append((BACKUP_ANNOTATION, assignment.backup))
    if assignment.replaces:
        out.append((REPLACES_ANNOTATION, assignment.replaces))
    out += assignment.marks
    if assignment.measured:
        out.append((RTT_ANNOTATION, ",".join(map(_said, assignment.measured))))
    return tuple(sorted(out))


def _said(measured: Measured) -> str:
    reference = measured.constraint.reference
    name = str(reference)
    at = "" if measured.reference_node in ("", reference.name) else f"@{measured.reference_node}"
    rtt = "unknown" if measured.rtt_us < 0 else format_ms(measured.rtt_us)
    return f"{name}{at}={rtt}"


@dataclass(frozen=True, slots=True)
class _Order:
    assignment: Assignment
    decision: str


GiveWay = Callable[[Pod, str], Awaitable[None]]
"""Returns when nothing of ours takes the room of an assumed pod; BindRefused if something does."""


async def _nothing_in_the_way(_pod: Pod, _node: str) -> None:
    pass


class Binder:
    """Sends bindings of assumed pods and settles cache and queue by the answers."""

    def __init__(
        self,
        state: ServiceState,
        cluster: Cluster,
        notes: NoteWriter,
        waiting: WaitingNotes,
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._cluster = cluster
        self._notes = notes
        self._waiting = waiting
        self._log = log
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()
        self._is_closed = False
        self.give_way: GiveWay = _nothing_in_the_way

    def put(self, assignment: Assignment, decision: str) -> None:
        """Have an assumed pod bound."""
        self._orders.put_nowait(_Order(assignment, decision))

    @property
    def is_busy(self) -> bool:
        """Whether more bindings wait for their turn than are under way."""
        return self._orders.qsize() >= IN_FLIGHT

    def close(self) -> None:
        """Send nothing new; what stands in line goes back to the queue."""
        self._is_closed = True

    async def drain(self) -> None:
        """Wait until every binding is answered."""
        await self._orders.join()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            order = await self._orders.get()
            try:
                await self._bind(order)
            except Exception:  # noqa: BLE001 - a bug here must not end the service nor lose the pod
                pod = order.assignment.pod
                self._log.exception("binding.failed", pod=pod.key)
                self._state.queue.retry(pod, self._state.clock.now_s())
            finally:
                self._orders.task_done()
                self._state.changed.set()

    async def _bind(self, order: _Order) -> None:
        assignment = order.assignment
        pod, node = assignment.pod, assignment.node
        # That may take seconds, in which references come and go: it is decided on anew.
        if self._may_bind(pod, node) and await self._notes.withdraw(pod, WAITING_REASON):
            self._withdraw(pod)
            return
        try:
            await self.give_way(pod, node)
        except BindRefused as error:
            self._refused(pod, node, error)
            return
        if not self._may_bind(pod, node) or not may_be_sent(assignment, self._state.cache):
            self._withdraw(pod)  # while it stood in line something went, or came, or drifted
            return
        binding = Binding(pod, node, annotations(assignment, order.decision))
        started_s = self._state.clock.now_s()
        try:
            await self._cluster.bind(binding)
        except BindConflict as error:
            self._refused(pod, node, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the outcome is not known
            self._unanswered(pod, node, error)
        else:
            self._state.metrics.binding_s.observe(self._state.clock.now_s() - started_s)
            self._bound(assignment)

    def _may_bind(self, pod: Pod, node: str) -> bool:
        return not self._is_closed and self._state.cache.pods.is_assumed(pod, node)

    def _bound(self, assignment: Assignment) -> None:
        pod, node, state = assignment.pod, assignment.node, self._state
        queued = state.queue.get(pod.key)
        duration_s: float | None = None
        if queued is not None and queued.pod.uid == pod.uid:
            now_s = state.clock.now_s()
            duration_s = now_s - queued.taken_s
            state.metrics.sli_s.observe(now_s - queued.added_s)
            state.metrics.pod_attempts.observe(queued.attempts)
            state.queue.drop(pod.key)
        state.metrics.count_attempts("scheduled", 1, duration_s)
        state.cache.pods.trust(pod)
        state.metrics.count_binding("bound")
        rtts = ", ".join(map(_said, assignment.measured))
        state.journal.add(
            state.clock.wall_s(), "bound", f"{pod.key} to {node}" + (f" ({rtts})" if rtts else "")
        )
        self._log.info("pod.bound", pod=pod.key, node=node, rtt=rtts)
        message = f"Successfully assigned {pod.key} to {node}"
        self._notes.put(PodNote(pod, "Normal", "Scheduled", message, at_s=state.clock.wall_s()))

    def _withdraw(self, pod: Pod) -> None:
        state, now_s = self._state, self._state.clock.now_s()
        state.metrics.count_binding("dropped")
        if state.cache.pods.doubted(pod) is None:
            state.queue.wake(state.cache.pods.forget(pod), now_s)
            state.queue.again(pod, now_s)
        else:
            state.queue.retry(pod, now_s)

    def _refused(self, pod: Pod, node: str, error: BindConflict) -> None:
        state, now_s = self._state, self._state.clock.now_s()
        state.metrics.count_binding("conflict")
        state.metrics.count_attempts("error", 1)
        state.journal.add(state.clock.wall_s(), "conflict", str(error))
        self._log.warning("binding.refused", pod=pod.key, node=node, reason=error.reason)
        if state.cache.pods.doubted(pod) is None:
            state.queue.wake(state.cache.pods.forget(pod), now_s)
        elif not isinstance(error, BindRefused | BindHeldBack):
            # A second try is refused because the first one, unanswered, succeeded, or the pod is
            # gone: the watch will tell, though it may have fallen silent for longer than a doubt.
            state.cache.pods.trust(pod)
            state.queue.drop(pod.key)
            return
        if isinstance(error, BindRefused):
            self._waiting.say(pod, f"binding rejected: {error.reason}", "SchedulerError")
        state.queue.retry(pod, now_s)

    def _unanswered(self, pod: Pod, node: str, error: Exception) -> None:
        state, now_s = self._state, self._state.clock.now_s()
        state.metrics.count_binding("unanswered")
        state.metrics.count_attempts("error", 1)
        state.journal.add(state.clock.wall_s(), "error", f"binding {pod.key}: {error}")
        self._log.warning("binding.unanswered", pod=pod.key, node=node, error=str(error))
        queued = state.queue.get(pod.key)
        if queued is not None and queued.attempts > 1:  # once may be a server that starts anew
            said = f"binding to {node} goes unanswered: {error}"
            self._waiting.say(pod, said, "SchedulerError")
        state.cache.pods.doubt(pod, now_s)
        state.queue.retry(pod, now_s)
