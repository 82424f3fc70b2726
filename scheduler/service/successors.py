"""Successors of pods that were made to leave, until they are ready: the next pod waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.domain.workload import Pod, WorkloadRef
from scheduler.service.pod_columns import PodRecord, PodState
from scheduler.service.state import ServiceState

PATIENCE_S = 60.0
"""A successor that takes longer to be ready is worth a word."""

_COUNTS_S = 300.0
"""For so long one that is not ready counts among the pods that are on their way."""


@dataclass(slots=True)
class _Left:
    pod: Pod
    since_s: float
    has_come: bool = False


class Successors:
    """Those that are awaited."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._left: dict[str, _Left] = {}

    def await_one(self, pod: Pod) -> None:
        """Take note that a pod was made to leave."""
        self._left[pod.uid] = _Left(pod, self._state.clock.now_s())

    def look(self) -> None:
        """Forget those that are ready, gone again, or will not come."""
        if not self._left:
            return
        found: dict[str, PodRecord] = {
            record.replaces: record
            for record in self._state.cache.pods.records.values()
            if record.replaces in self._left
        }
        moving = self._state.cache.kept.moving
        for uid, left in list(self._left.items()):
            record = found.get(uid)
            if record is None:
                if uid not in moving:
                    del self._left[uid]
                continue
            left.has_come = True
            is_over = record.state is PodState.FINISHED or record.is_terminating
            if is_over or (record.state is PodState.BOUND and record.is_ready):
                del self._left[uid]

    def pods(self) -> list[Pod]:
        """Return the pods whose successors count among those on their way."""
        now_s = self._state.clock.now_s()
        return [one.pod for one in self._left.values() if now_s - one.since_s < _COUNTS_S]

    def resting(self) -> Mapping[WorkloadRef, str]:
        """Return the workloads that wait for a successor, and what is to be said of it."""
        now_s = self._state.clock.now_s()
        out: dict[WorkloadRef, str] = {}
        for one in self._left.values():
            workload = one.pod.pod_class.workload
            if workload is None:
                continue
            is_late = one.has_come and now_s - one.since_s > PATIENCE_S
            out[workload] = (
                f"the successor of {one.pod.name}, which was moved, is not ready" if is_late else ""
            )
        return out
