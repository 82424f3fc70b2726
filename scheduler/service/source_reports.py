"""What is told of each source of round-trip times: to the log, the pages, metrics, and the cluster.

An event is written when a source has given nothing for a while, not at each failure: a source that
fails once is asked again soon, and what it said before still stands. Where a source gives most of
what it should, what it lacks is shown, and is no failure.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Announcer, ServiceNote
from scheduler.service.state import ServiceState

SILENT_ROUNDS = 3
"""Failures in a row that an event is written for."""

_LOOK_S = 1.0
"""Between two looks at which problems have lasted."""


@dataclass(frozen=True, slots=True)
class Telling:
    """To whom events go.

    Parameters
    ----------
    announcer
        Writes them; None where there is no cluster to write them to.
    is_leading
        Asked before each: of several replicas one writes.
    patience_s
        By the name of a source that tells changes alone, not each round: how long a problem lasts
        before an event is written, seconds.
    """

    announcer: Announcer | None
    is_leading: Callable[[], bool]
    patience_s: Mapping[str, float]


@dataclass(slots=True)
class _Standing:
    problem: str = ""
    lack: str = ""
    failures: int = 0
    failed_at_s: float = 0.0
    is_announced: bool = False
    notes: tuple[str, ...] = ()


class SourceReports:
    """Keeps what is wrong with each source.

    Parameters
    ----------
    state
        Told of it.
    telling
        To whom events go.
    log
        Told of every change.
    """

    def __init__(self, state: ServiceState, telling: Telling, log: FilteringBoundLogger) -> None:
        self._state = state
        self._telling = telling
        self._log = log
        self._sources: dict[str, _Standing] = {}

    def told(self, source: str, problem: str, notes: tuple[str, ...] = (), lack: str = "") -> None:
        """Take in how a round of a source went.

        Parameters
        ----------
        source
            Its name.
        problem
            Why it gave nothing, or too little; or the empty text.
        notes
            What else people should know of what it says.
        lack
            What is missing of what it gave, while most is there; or the empty text.
        """
        state, standing = self._state, self._sources.setdefault(source, _Standing())
        state.metrics.source_up.labels(source).set(not problem)
        if notes != standing.notes:
            standing.notes = notes
            for note in notes:
                self._log.info("rtt.note", source=source, what=note)
        if (problem, lack) != (standing.problem, standing.lack):
            self._tell_change(source, problem, lack)
        if problem and not standing.problem:
            standing.failed_at_s = state.clock.now_s()
        standing.problem, standing.lack = problem, lack
        standing.failures = standing.failures + 1 if problem else 0
        state.rtt.tell(source, problem, lack)
        if problem:
            state.metrics.rtt_failures.inc()

    async def run(self) -> None:
        """Write events of problems that last, and of their end, until cancelled."""
        while True:
            for source, standing in list(self._sources.items()):
                if self._telling.is_leading():
                    await self._announce(source, standing)
                else:
                    standing.is_announced = False
            await asyncio.sleep(_LOOK_S)

    def _tell_change(self, source: str, problem: str, lack: str) -> None:
        wall_s = self._state.clock.wall_s()
        if problem:
            is_known = bool(self._state.cache.rtt.nodes)
            effect = "what it said last stays" if is_known else "pods with a delay wait"
            self._log.warning("rtt.bad", source=source, what=problem, effect=effect)
            self._state.journal.add(wall_s, "error", f"{source}: {problem}")
        elif lack:
            self._log.warning("rtt.lacking", source=source, what=lack)
            self._state.journal.add(wall_s, "warning", f"{source}: {lack}")
        else:
            self._log.info("rtt.good", source=source)
            self._state.journal.add(wall_s, "rtt", f"{source}: all is well")

    async def _announce(self, source: str, standing: _Standing) -> None:
        if standing.problem and not standing.is_announced and self._has_lasted(source, standing):
            standing.is_announced = True
            await self._write("Warning", "TelemetrySourceFailed", f"{source}: {standing.problem}")
        elif not standing.problem and standing.is_announced:
            standing.is_announced = False
            await self._write("Normal", "TelemetrySourceRecovered", f"{source}: measures again")

    def _has_lasted(self, source: str, standing: _Standing) -> bool:
        patience_s = self._telling.patience_s.get(source)
        if patience_s is None:
            return standing.failures >= SILENT_ROUNDS
        return self._state.clock.now_s() - standing.failed_at_s >= patience_s

    async def _write(self, kind: str, reason: str, message: str) -> None:
        if self._telling.announcer is None:
            return
        note = ServiceNote(
            "Warning" if kind == "Warning" else "Normal",
            reason,
            message,
            self._state.clock.wall_s(),
        )
        try:
            await self._telling.announcer.announce(note)
        except Exception as error:  # noqa: BLE001 - an event is worth a log line, no more
            self._log.warning("note.failed", reason=reason, error=str(error))
