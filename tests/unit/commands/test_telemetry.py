"""Telemetry as the settings put it together: what becomes an event, and by whom."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from commands.telemetry import Around, telemetry
from scheduler.domain.ports import RttSource, ServiceNote
from scheduler.service.logs import silent_logger
from scheduler.service.settings import parse_settings
from scheduler.service.state import Clock, new_state

if TYPE_CHECKING:
    from scheduler.kube.client import KubeClient

pytestmark = pytest.mark.looptime

HEAD = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"


@dataclass
class Written:
    """Implements `Announcer`."""

    reasons: list[str] = field(default_factory=list)

    async def announce(self, note: ServiceNote) -> None:
        self.reasons.append(note.reason)


async def announced_of_a_missing_matrix(
    path: Path, is_leading: Callable[[], bool], for_s: float
) -> list[str]:
    """Return the events of a replica whose matrix is not there."""
    text = f"{HEAD}telemetry: {{matrix: {{path: {path}, rereadSeconds: 5}}}}\n"
    now, written = asyncio.get_running_loop().time, Written()
    state = new_state(parse_settings(text, "s.yaml"), Clock(now, now))
    # No request is made for a file: there is no client to make it with.
    around = Around(cast("KubeClient", None), None, written, is_leading, silent_logger())
    async with telemetry(state, around) as made:
        rtt = made.rtt
        assert rtt is not None
        tasks = [asyncio.create_task(beside()) for beside in made.beside]
        tasks.append(asyncio.create_task(_read(rtt)))
        while not state.rtt.problem:  # noqa: ASYNC110 - a thread looks at the file, in true time
            await asyncio.sleep(0.001)
        await asyncio.sleep(for_s)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return written.reasons


async def _read(rtt: RttSource) -> None:
    async for _ in rtt.tables():
        pass


async def test_a_matrix_that_stays_missing_is_an_event(tmp_path: Path) -> None:
    found = await announced_of_a_missing_matrix(tmp_path / "m.txt", lambda: True, 60)
    assert found == ["TelemetrySourceFailed"]


async def test_a_replica_that_stands_by_writes_no_event_of_its_matrix(tmp_path: Path) -> None:
    assert await announced_of_a_missing_matrix(tmp_path / "m.txt", lambda: False, 600) == []
