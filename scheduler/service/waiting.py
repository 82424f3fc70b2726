"""Why a pod waits, told once: in log and journal, and in the cluster by event and condition."""

import re

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import PodNote
from scheduler.domain.reasons import Condition
from scheduler.domain.workload import Pod
from scheduler.service.notes import NoteWriter
from scheduler.service.state import ServiceState

WAITING_REASON = "FailedScheduling"
"""Of the event, as kube-scheduler has it."""


REPEAT_S = 300.0
"""How long the nearest node's RTT may be other than it is told, where nothing else has changed."""

_NEAREST = re.compile(r"; nearest [^);]*")


class WaitingNotes:
    """Tells why pods of the queue wait."""

    def __init__(self, state: ServiceState, notes: NoteWriter, log: FilteringBoundLogger) -> None:
        self._state = state
        self._notes = notes
        self._log = log

    def say(self, pod: Pod, message: str, condition: Condition) -> None:
        """Write why a pod waits, unless that is what was written last.

        Parameters
        ----------
        pod
            In the queue; else nothing is written.
        message
            As people read it.
        condition
            Reason of the ``PodScheduled=False`` condition, as kube-scheduler has them.
        """
        state, queued = self._state, self._state.queue.get(pod.key)
        if queued is None or queued.pod.uid != pod.uid or queued.said == message:
            return
        now_s = state.clock.now_s()
        if _gist(queued.said) == _gist(message) and now_s - queued.said_s < REPEAT_S:
            return  # live RTTs must not rewrite conditions for ever
        had_condition = queued.has_condition
        queued.said, queued.said_s, queued.has_condition = message, now_s, True
        state.journal.add(state.clock.wall_s(), "waiting", f"{pod.key}: {message}")
        self._log.info("pod.waiting", pod=pod.key, message=message)

        def unsaid() -> None:
            if queued.said == message:
                queued.said, queued.has_condition = "", had_condition

        note = PodNote(
            queued.pod,
            "Warning",
            WAITING_REASON,
            message,
            condition=condition,
            has_condition=had_condition,
            at_s=state.clock.wall_s(),
        )
        self._notes.put(note, on_failure=unsaid)


def _gist(message: str) -> str:
    """Return what a message says without the RTT to the nearest node, which drifts."""
    return _NEAREST.sub("", message)
