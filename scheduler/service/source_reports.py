"""What is told of each source of round-trip times: to the log, the pages, metrics, and the cluster.

An event is written when a source has given nothing for a while, not at each failure: a source that
fails once is asked again soon, and what it said before still stands.
"""

import asyncio
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Announcer, ServiceNote
from scheduler.service.state import ServiceState

SILENT_ROUNDS = 3
"""Failures in a row that an event is written for."""

_AT_MOST = 100
"""Events in line; what more happens meanwhile is in the log."""


@dataclass(slots=True)
class _Standing:
    problem: str = ""
    failures: int = 0
    is_announced: bool = False
    notes: tuple[str, ...] = ()


class SourceReports:
    """Keeps what is wrong with each source.

    Parameters
    ----------
    state
        Told of it.
    announcer
        Writes events; None where there is no cluster to write them to.
    log
        Told of every change.
    """

    def __init__(
        self, state: ServiceState, announcer: Announcer | None, log: FilteringBoundLogger
    ) -> None:
        self._state = state
        self._announcer = announcer
        self._log = log
        self._sources: dict[str, _Standing] = {}
        self._notes: asyncio.Queue[ServiceNote] = asyncio.Queue(_AT_MOST)

    def told(self, source: str, problem: str, notes: tuple[str, ...] = ()) -> None:
        """Take in how a round of a source went.

        Parameters
        ----------
        source
            Its name.
        problem
            What is wrong, or the empty text.
        notes
            What else people should know of what it says.
        """
        state, standing = self._state, self._sources.setdefault(source, _Standing())
        state.metrics.source_up.labels(source).set(not problem)
        if notes != standing.notes:
            standing.notes = notes
            for note in notes:
                self._log.info("rtt.note", source=source, what=note)
        if problem != standing.problem:
            self._tell_change(source, problem)
        standing.problem = problem
        standing.failures = standing.failures + 1 if problem else 0
        state.rtt.tell(source, problem)
        if problem:
            state.metrics.rtt_failures.inc()
        self._announce(source, standing)

    async def run(self) -> None:
        """Write events until cancelled."""
        while True:
            note = await self._notes.get()
            if self._announcer is None:
                continue
            try:
                await self._announcer.announce(note)
            except Exception as error:  # noqa: BLE001 - an event is worth a log line, no more
                self._log.warning("note.failed", reason=note.reason, error=str(error))

    def _tell_change(self, source: str, problem: str) -> None:
        wall_s = self._state.clock.wall_s()
        if problem:
            is_known = bool(self._state.cache.rtt.nodes)
            effect = "what it said last stays" if is_known else "pods with a delay wait"
            self._log.warning("rtt.bad", source=source, what=problem, effect=effect)
            self._state.journal.add(wall_s, "error", f"{source}: {problem}")
        else:
            self._log.info("rtt.good", source=source)
            self._state.journal.add(wall_s, "rtt", f"{source}: all is well")

    def _announce(self, source: str, standing: _Standing) -> None:
        # Agents are counted silent only after three reports that did not come.
        enough = 1 if source == "agents" else SILENT_ROUNDS
        if standing.failures >= enough and not standing.is_announced:
            standing.is_announced = True
            self._put("Warning", "TelemetrySourceFailed", f"{source}: {standing.problem}")
        elif not standing.problem and standing.is_announced:
            standing.is_announced = False
            self._put("Normal", "TelemetrySourceRecovered", f"{source}: measures again")

    def _put(self, kind: str, reason: str, message: str) -> None:
        note = ServiceNote(
            "Warning" if kind == "Warning" else "Normal",
            reason,
            message,
            self._state.clock.wall_s(),
        )
        if not self._notes.full():
            self._notes.put_nowait(note)
