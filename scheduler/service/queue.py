"""Pods that wait to be placed, and when each is tried. Time is an argument.

Every pod in the queue is at exactly one stage:

active          to be decided on as soon as the batch window closes
in flight       taken by a cycle, not answered for yet
backoff         failed a short while ago; active again when its wait is over
unschedulable   nothing would change if it were tried now; waits for an event that could help
gated           has scheduling gates; not ours to try until they are removed
"""

import heapq
from collections.abc import Callable, Iterable, Mapping

from scheduler.domain.pod_group import GroupRef
from scheduler.domain.workload import Pod, Service
from scheduler.service.batch_window import due_s
from scheduler.service.companions import fetch_companions, first_classes
from scheduler.service.event_log import EventLog
from scheduler.service.grounds import grounds_of
from scheduler.service.hints import is_crowded_out, may_matter, may_refer
from scheduler.service.parked import ParkedPods
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import QueuedPod, Stage, queue_order
from scheduler.service.references import ReferenceIndex
from scheduler.service.wake import Wake, WakeNamed

_MAY_BE_WOKEN = (Stage.IN_FLIGHT, Stage.BACKOFF, Stage.UNSCHEDULABLE)
_MAY_COME = (Stage.ACTIVE, Stage.BACKOFF, Stage.UNSCHEDULABLE)


class SchedulingQueue:
    """Who is tried when.

    `service_of` finds a Service by namespace and name; `count` is told of each pod that enters a
    stage, and what brought it there.
    """

    def __init__(
        self,
        settings: QueueSettings,
        service_of: Callable[[str, str], Service | None] = lambda _namespace, _name: None,
        count: Callable[[str, str], None] = lambda _stage, _event: None,
    ) -> None:
        self._settings = settings
        self._service_of = service_of
        self._count = count
        self._pods: dict[str, QueuedPod] = {}
        self._stages: dict[Stage, dict[str, QueuedPod]] = {stage: {} for stage in Stage}
        self._timers: list[tuple[float, str]] = []
        self._references = ReferenceIndex()
        self._parked = ParkedPods()
        self._happened = EventLog()
        self._first_s = self._last_s = 0.0

    # Reading

    def __len__(self) -> int:
        return len(self._pods)

    def get(self, key: str) -> QueuedPod | None:
        """Return a pod's place in the queue, or None; for reading only."""
        return self._pods.get(key)

    def counts(self) -> Mapping[Stage, int]:
        """Return the number of pods at each stage."""
        return {stage: len(pods) for stage, pods in self._stages.items()}

    def count_of(self, stage: Stage) -> int:
        """Return the number of pods at a stage."""
        return len(self._stages[stage])

    def waiting(self) -> list[Pod]:
        """Return all pods that are not in flight."""
        parts = (pods for stage, pods in self._stages.items() if stage is not Stage.IN_FLIGHT)
        return [queued.pod for pods in parts for queued in pods.values()]

    def listens(self) -> bool:
        """Whether an event could have any pod tried earlier: those that are active are anyway."""
        return any(self._stages[stage] for stage in _MAY_BE_WOKEN)

    def entries(self) -> list[QueuedPod]:
        """Return all places in the queue's order; for reading only."""
        return sorted(self._pods.values(), key=queue_order)

    def next_s(self) -> float | None:
        """Return when `take` may have something, or None for never without another event."""
        due: list[float] = []
        if self._stages[Stage.ACTIVE]:
            due.append(due_s(self._settings, self._first_s, self._last_s))
        if self._timers:
            due.append(self._timers[0][0])
        oldest = next(iter(self._stages[Stage.UNSCHEDULABLE].values()), None)
        if oldest is not None:
            due.append(oldest.parked_s + self._settings.flush_seconds)
        return min(due, default=None)

    # Pods come, change and go

    def put(self, pod: Pod, now_s: float) -> None:
        """Add a pending pod, or take over its changed object."""
        queued = self._pods.get(pod.key)
        if queued is not None and queued.pod.uid != pod.uid:
            self.drop(pod.key)
            queued = None
        if queued is None:
            stage = Stage.GATED if pod.is_gated else Stage.ACTIVE
            queued = QueuedPod(pod, stage, now_s)
            self._pods[pod.key] = queued
            self._references.add(pod)
            self._enter(queued, stage, now_s, "PodAdd")
        elif queued.pod != pod:
            self._change(queued, pod, now_s)

    def recall(self, pod: Pod, said: str) -> None:
        """Remember what the cluster already tells of a pod, where nothing was said since."""
        queued = self._pods.get(pod.key)
        if said and queued is not None and queued.pod.uid == pod.uid and not queued.has_condition:
            queued.said, queued.has_condition = queued.said or said, True

    def drop(self, key: str) -> None:
        """Remove a pod, bound or gone; harmless for one that is not here."""
        queued = self._pods.pop(key, None)
        if queued is not None:
            del self._stages[queued.stage][key]
            self._parked.remove(key)
            self._references.remove(queued.pod)

    # The cycle

    def take(self, now_s: float) -> tuple[Pod, ...]:
        """Return the batch that is due, in order, and count it as in flight.

        Waiting pods that a pod of the batch refers to come along, and those of its group: such pods
        can only be placed together. At fixed intervals all that waits does, but gated pods.
        """
        self._advance(now_s)
        next_s = self.next_s()
        if not self._stages[Stage.ACTIVE] or next_s is None or next_s > now_s:
            return ()
        batch = self._batch()
        if not self._stages[Stage.IN_FLIGHT]:
            self._happened.clear()
        for queued in batch:
            queued.attempts += 1
            queued.taken_s = now_s
            queued.is_changed = queued.is_renamed = False
            queued.seen = self._happened.at
            self._enter(queued, Stage.IN_FLIGHT, now_s)
        batch.sort(key=queue_order)
        return tuple(queued.pod for queued in batch)

    def in_flight(self) -> list[QueuedPod]:
        """Return what a cycle has taken and nobody has put back yet; for reading only."""
        return list(self._stages[Stage.IN_FLIGHT].values())

    def is_in_flight(self, pod: Pod) -> bool:
        """Whether this very pod is in flight."""
        queued = self._pods.get(pod.key)
        return queued is not None and queued.stage is Stage.IN_FLIGHT and queued.pod.uid == pod.uid

    def is_current(self, pod: Pod) -> bool:
        """Whether this very pod is in flight, unchanged in what a decision depends on."""
        return self.is_in_flight(pod) and self._pods[pod.key].pod.pod_class == pod.pod_class

    def park(self, pod: Pod, now_s: float) -> None:
        """Put back a pod that no node takes, unless what could lift its refusal happened since."""
        queued = self._in_flight(pod)
        if queued is None:
            return
        self._set_retry(queued, now_s)
        grounds = grounds_of(queued.pod, queued.refusal)
        is_stale = (
            queued.is_changed
            or (queued.is_renamed and may_refer(grounds))
            or self._happened.has_helped(grounds, queued.seen)
            or (is_crowded_out(grounds) and not queued.was_crowded_out)
        )
        queued.was_crowded_out = is_crowded_out(grounds)
        queued.parked_s = now_s
        stage = Stage.BACKOFF if is_stale else Stage.UNSCHEDULABLE
        self._enter(queued, stage, now_s, "ScheduleAttemptFailure")
        if not is_stale:
            self._parked.add(pod.key, grounds)

    def retry(self, pod: Pod, now_s: float) -> None:
        """Put back a pod that failed for a reason outside itself: it is tried after its backoff."""
        queued = self._in_flight(pod)
        if queued is not None:
            self._set_retry(queued, now_s)
            self._enter(queued, Stage.BACKOFF, now_s, "ScheduleAttemptFailure")

    def again(self, pod: Pod, now_s: float) -> None:
        """Put back a pod that changed while it was decided on: it is tried in the next batch."""
        queued = self._in_flight(pod)
        if queued is not None:
            stage = Stage.GATED if queued.pod.is_gated else Stage.ACTIVE
            self._enter(queued, stage, now_s, "PodUpdate")

    def wake(self, wakes: Iterable[Wake], now_s: float) -> None:
        """Let pods that the events may help be tried again, after their backoff."""
        for wake in wakes:
            if isinstance(wake, WakeNamed):
                for key in self._references.to(wake.namespace, wake.names):
                    self._rename(self._pods[key], wake, now_s)
                continue
            if self._stages[Stage.IN_FLIGHT]:
                self._happened.add(wake)
            for key in self._parked.helped_by(wake):
                self._rouse(self._pods[key], now_s, wake.why)

    # Inside

    def _batch(self) -> list[QueuedPod]:
        if self._settings.has_interval:
            return [queued for stage in _MAY_COME for queued in self._stages[stage].values()]
        active = self._stages[Stage.ACTIVE]
        batch = first_classes(active.values(), self._settings.batch_max_classes)
        fetch_companions(batch, self._waiting_as, self._waiting_with)
        return batch

    def _enter(self, queued: QueuedPod, stage: Stage, now_s: float, event: str = "") -> None:
        key = queued.pod.key
        if event:
            self._count(stage.value, event)
        self._stages[queued.stage].pop(key, None)
        self._parked.remove(key)
        queued.stage = stage
        if stage is Stage.ACTIVE:
            if not self._stages[stage]:
                self._first_s = now_s
            self._last_s = now_s
        elif stage is Stage.BACKOFF:
            heapq.heappush(self._timers, (queued.retry_s, key))
        self._stages[stage][key] = queued

    def _change(self, queued: QueuedPod, pod: Pod, now_s: float) -> None:
        old, queued.pod = queued.pod, pod
        if old.pod_class != pod.pod_class:
            self._references.remove(old)
            self._references.add(pod)
        if queued.stage is Stage.IN_FLIGHT:
            queued.is_changed = True
        elif pod.is_gated:
            self._enter(queued, Stage.GATED, now_s, "PodUpdate")
        elif queued.stage is Stage.GATED:
            self._enter(queued, Stage.ACTIVE, now_s, "PodUpdate")
        elif queued.stage is Stage.UNSCHEDULABLE:
            if may_matter(self._parked.grounds(pod.key), old, pod):
                self._rouse(queued, now_s, "PodUpdate")
            else:
                self._parked.add(pod.key, grounds_of(pod, queued.refusal))

    def _in_flight(self, pod: Pod) -> QueuedPod | None:
        if not self.is_in_flight(pod):
            return None
        queued = self._pods[pod.key]
        if queued.pod.is_gated:
            self._enter(queued, Stage.GATED, queued.added_s)
            return None
        return queued

    def _set_retry(self, queued: QueuedPod, now_s: float) -> None:
        # 2^30 s is beyond any maximum: the power must not grow without end.
        doublings = min(queued.attempts - 1, 30)
        wait_s = self._settings.initial_backoff_seconds * 2**doublings
        queued.retry_s = now_s + min(wait_s, self._settings.max_backoff_seconds)

    def _rouse(self, queued: QueuedPod, now_s: float, why: str, *, is_due: bool = False) -> None:
        """Have an unschedulable pod tried, at once or when its backoff is over."""
        is_due = is_due or queued.retry_s <= now_s
        self._enter(queued, Stage.ACTIVE if is_due else Stage.BACKOFF, now_s, why)

    def _rename(self, queued: QueuedPod, wake: WakeNamed, now_s: float) -> None:
        """Take note that something a pod refers to has changed."""
        if queued.stage is Stage.IN_FLIGHT:
            queued.is_renamed = True
        is_waiting = self._parked.may_refer(queued.pod.key) or (
            wake.skips_backoff and queued.stage is Stage.BACKOFF
        )
        if is_waiting:
            self._rouse(queued, now_s, wake.why, is_due=wake.skips_backoff)

    def _advance(self, now_s: float) -> None:
        """Move pods whose backoff or longest wait is over."""
        while self._timers and self._timers[0][0] <= now_s:
            retry_s, key = heapq.heappop(self._timers)
            queued = self._pods.get(key)
            # A timer of a pod that has moved on since rings for nobody.
            if queued and queued.stage is Stage.BACKOFF and queued.retry_s == retry_s:
                self._enter(queued, Stage.ACTIVE, now_s, "BackoffComplete")
        parked = self._stages[Stage.UNSCHEDULABLE]
        while parked:
            oldest = next(iter(parked.values()))
            if oldest.parked_s + self._settings.flush_seconds > now_s:
                break
            self._rouse(oldest, now_s, "UnschedulableTimeout")

    def _waiting_as(self, namespace: str, name: str) -> list[QueuedPod]:
        """Return the pods that go by a name and are not in flight nor gated, in order."""
        found = [self._pods[key] for key in self._references.named(namespace, name)]
        service = self._service_of(namespace, name)
        if service is not None:
            for stage in _MAY_COME:
                found += [
                    queued
                    for queued in self._stages[stage].values()
                    if service.selects(queued.pod.namespace, queued.pod.pod_class.labels)
                ]
        return sorted((q for q in found if q.stage in _MAY_COME), key=queue_order)

    def _waiting_with(self, group: GroupRef) -> list[QueuedPod]:
        """Return the pods of a group that are not in flight nor gated, in order."""
        found = [self._pods[key] for key in self._references.members(group)]
        return sorted((q for q in found if q.stage in _MAY_COME), key=queue_order)
