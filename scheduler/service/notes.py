"""Events and conditions, written beside the main path: a slow answer holds up nobody's binding."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.errors import ClusterUnavailable, SchedulerError
from scheduler.domain.ports import Cluster, PodNote
from scheduler.domain.workload import Pod

IN_FLIGHT = 8
"""Notes under way at a time: beside 48 bindings, 8 kept up in the baseline's measurements."""

MOST_TRIES = 12
MOST_TRIES_REFUSED = 4
"""An API server that has just started refuses everything (403) until it has read its roles: up to
half a second was seen. After 7 s it is a right that is missing."""

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 10.0
"""A note that goes unanswered is tried again as often, and about as long, as client-go does it."""

_Slot = tuple[str, str, str]


@dataclass(slots=True)
class _Waiting:
    note: PodNote
    on_failure: Callable[[], None] | None
    tries: int = 0


class NoteWriter:
    """Writes notes in the order they came; of a pod's notes of one reason only the latest."""

    def __init__(self, cluster: Cluster, log: FilteringBoundLogger) -> None:
        self._cluster = cluster
        self._log = log
        self._waiting: dict[_Slot, _Waiting] = {}
        self._put_off: dict[_Slot, tuple[_Waiting, asyncio.TimerHandle]] = {}
        self._under_way: dict[_Slot, asyncio.Event] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, note: PodNote, on_failure: Callable[[], None] | None = None) -> None:
        """Have a note written; `on_failure` is called if it could not be."""
        slot = _slot(note.pod, note.reason)
        self._forget_put_off(slot)
        self._waiting[slot] = _Waiting(note, on_failure)
        self._arrived.set()
        self._idle.clear()

    async def withdraw(self, pod: Pod, reason: str) -> bool:
        """See to it that a note is not written any more; return whether one under way was awaited.

        Before a pod is bound: a condition that says it waits must not arrive after its binding.
        """
        slot = _slot(pod, reason)
        self._take_back(slot)
        under_way = self._under_way.get(slot)
        if under_way is not None:
            await under_way.wait()
            self._take_back(slot)  # it may have been put off, to be tried again
        return under_way is not None

    async def drain(self) -> None:
        """Wait until all is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            slot = next((s for s in self._waiting if s not in self._under_way), None)
            if slot is None:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            waiting = self._waiting.pop(slot)
            done = self._under_way[slot] = asyncio.Event()
            try:
                await self._write(slot, waiting)
            finally:
                del self._under_way[slot]
                done.set()
                self._arrived.set()  # a later note of this slot may go now
                self._rest()

    def _take_back(self, slot: _Slot) -> None:
        waiting = self._waiting.pop(slot, None) or self._forget_put_off(slot)
        if waiting is not None and waiting.on_failure is not None:
            waiting.on_failure()
        self._rest()

    def _rest(self) -> None:
        if not (self._waiting or self._under_way or self._put_off):
            self._idle.set()

    async def _write(self, slot: _Slot, waiting: _Waiting) -> None:
        note = waiting.note
        waiting.tries += 1
        try:
            await self._cluster.note(note)
        except SchedulerError as error:
            is_refused = not isinstance(error, ClusterUnavailable)
            if waiting.tries < (MOST_TRIES_REFUSED if is_refused else MOST_TRIES):
                self._put_off_note(slot, waiting)
            else:
                self._give_up(waiting, error)
        except Exception as error:  # noqa: BLE001 - a note is worth a log line, never the service
            self._give_up(waiting, error)

    def _give_up(self, waiting: _Waiting, error: Exception) -> None:
        note = waiting.note
        self._log.warning("note.failed", pod=note.pod.key, reason=note.reason, error=str(error))
        if waiting.on_failure is not None:
            waiting.on_failure()

    def _put_off_note(self, slot: _Slot, waiting: _Waiting) -> None:
        """Try a note again later, unless a newer one has taken its place."""
        if slot in self._waiting:
            return
        wait_s = min(_FIRST_WAIT_S * 2 ** (waiting.tries - 1), _LONGEST_WAIT_S)

        def again() -> None:
            del self._put_off[slot]
            self._waiting[slot] = waiting
            self._arrived.set()

        timer = asyncio.get_running_loop().call_later(wait_s, again)
        self._put_off[slot] = (waiting, timer)

    def _forget_put_off(self, slot: _Slot) -> _Waiting | None:
        waiting, timer = self._put_off.pop(slot, (None, None))
        if timer is not None:
            timer.cancel()
        return waiting


def _slot(pod: Pod, reason: str) -> _Slot:
    return pod.key, pod.uid, reason
