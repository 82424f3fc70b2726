"""When a source's trouble becomes an event: when it lasts, once, and by the replica that leads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from scheduler.domain.ports import ServiceNote
from scheduler.service.logs import silent_logger
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.source_reports import SourceReports, Telling
from scheduler.service.state import Clock, ServiceState, new_state

pytestmark = pytest.mark.looptime

FAILED, RECOVERED = "TelemetrySourceFailed", "TelemetrySourceRecovered"


@dataclass
class Written:
    """Implements `Announcer`, and is the replica whose lead a test sets."""

    notes: list[ServiceNote] = field(default_factory=list)
    is_leading: bool = True
    is_refused: bool = False

    async def announce(self, note: ServiceNote) -> None:
        if self.is_refused:
            raise ConnectionError("refused")
        self.notes.append(note)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(note.reason, note.message) for note in self.notes]


@dataclass
class Reporting:
    """Reports that run, and who is told."""

    reports: SourceReports
    written: Written
    state: ServiceState

    def metric(self, name: str) -> str:
        lines = self.state.metrics.render().decode().splitlines()
        return next(line.rsplit(" ", 1)[1] for line in lines if line.startswith(name))


@asynccontextmanager
async def reporting(patience_s: dict[str, float] | None = None) -> AsyncIterator[Reporting]:
    now = asyncio.get_running_loop().time
    state, written = new_state(SchedulerConfiguration(), Clock(now, now)), Written()
    telling = Telling(written, lambda: written.is_leading, patience_s or {})
    reports = SourceReports(state, telling, silent_logger())
    task = asyncio.create_task(reports.run())
    try:
        yield Reporting(reports, written, state)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_the_third_failure_in_a_row_is_an_event_and_what_ends_it_is_another() -> None:
    async with reporting() as here:
        for problem in ("x", "x", "", "x", "x"):
            here.reports.told("goldpinger", problem)
            await asyncio.sleep(30)
        assert here.written.said == []
        for problem in ("x", "x", "", ""):
            here.reports.told("goldpinger", problem)
            await asyncio.sleep(30)
    assert here.written.said == [
        (FAILED, "goldpinger: x"),
        (RECOVERED, "goldpinger: measures again"),
    ]


async def test_a_source_that_tells_changes_alone_has_failed_when_its_problem_stands() -> None:
    async with reporting({"m.txt": 15.0}) as here:
        here.reports.told("m.txt", "is missing")
        await asyncio.sleep(10)
        assert here.written.said == []
        await asyncio.sleep(600)
        assert here.written.said == [(FAILED, "m.txt: is missing")]


async def test_a_file_that_is_there_again_before_long_is_no_event() -> None:
    async with reporting({"m.txt": 15.0}) as here:
        here.reports.told("m.txt", "is missing")
        await asyncio.sleep(10)
        here.reports.told("m.txt", "")
        await asyncio.sleep(60)
    assert here.written.said == []


async def test_a_replica_that_stands_by_writes_nothing_until_it_leads() -> None:
    async with reporting() as here:
        here.written.is_leading = False
        for _ in range(4):
            here.reports.told("goldpinger", "is silent")
            await asyncio.sleep(30)
        assert here.written.said == []
        here.written.is_leading = True
        await asyncio.sleep(5)
        assert here.written.said == [(FAILED, "goldpinger: is silent")]


async def test_what_ended_before_a_replica_leads_is_not_told_by_it() -> None:
    async with reporting() as here:
        here.written.is_leading = False
        for problem in ("x", "x", "x", ""):
            here.reports.told("goldpinger", problem)
            await asyncio.sleep(30)
        here.written.is_leading = True
        await asyncio.sleep(30)
    assert here.written.said == []


async def test_what_a_source_lacks_is_shown_and_is_neither_an_event_nor_a_failure() -> None:
    async with reporting() as here:
        for _ in range(5):
            here.reports.told("goldpinger", "", (), "1 nodes did not answer: n7")
            await asyncio.sleep(30)
        assert here.written.said == []
        assert here.metric('isochrone_rtt_source_up{source="goldpinger"}') == "1.0"
        assert here.metric("isochrone_rtt_failures_total") == "0.0"
        told = here.state.rtt.sentence(8, 2.0)
        assert told.endswith("; not all is measured: 1 nodes did not answer: n7")
        assert not here.state.rtt.is_whole
        here.reports.told("goldpinger", "")
        assert here.state.rtt.is_whole


async def test_a_refused_event_stops_none_of_the_later_ones() -> None:
    async with reporting({"a": 0.0, "b": 0.0}) as here:
        here.written.is_refused = True
        here.reports.told("a", "x")
        await asyncio.sleep(5)
        here.written.is_refused = False
        here.reports.told("b", "y")
        await asyncio.sleep(5)
    assert here.written.said == [(FAILED, "b: y")]
