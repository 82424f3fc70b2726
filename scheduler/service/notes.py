"""Events and conditions, written beside the main path: a slow answer holds up nobody's binding."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Cluster, PodNote

IN_FLIGHT = 8
"""Notes under way at a time: beside 48 bindings, 8 kept up in the baseline's measurements."""

_Slot = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    note: PodNote
    on_failure: Callable[[], None] | None


class NoteWriter:
    """Writes notes in the order they came; of a pod's notes of one reason only the latest."""

    def __init__(self, cluster: Cluster, log: FilteringBoundLogger) -> None:
        self._cluster = cluster
        self._log = log
        self._waiting: dict[_Slot, _Waiting] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way = 0

    def put(self, note: PodNote, on_failure: Callable[[], None] | None = None) -> None:
        """Have a note written; `on_failure` is called if it could not be."""
        slot = (note.pod.key, note.pod.uid, note.reason)
        self._waiting[slot] = _Waiting(note, on_failure)
        self._arrived.set()
        self._idle.clear()

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
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            slot = next(iter(self._waiting))
            waiting = self._waiting.pop(slot)
            self._under_way += 1
            try:
                await self._write(waiting)
            finally:
                self._under_way -= 1
                if not self._waiting and not self._under_way:
                    self._idle.set()

    async def _write(self, waiting: _Waiting) -> None:
        note = waiting.note
        try:
            await self._cluster.note(note)
        except Exception as error:  # noqa: BLE001 - a note is worth a log line, never the service
            self._log.warning("note.failed", pod=note.pod.key, reason=note.reason, error=str(error))
            if waiting.on_failure is not None:
                waiting.on_failure()
