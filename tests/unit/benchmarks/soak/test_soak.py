"""A short soak of the whole service, and of a service that leaks: the criterion catches it."""

import asyncio
import os
from collections.abc import Iterator
from itertools import count

import pytest

from benchmarks.soak.service import Service
from benchmarks.soak.soaking import FILES, TASKS, Plan, Soaked, soak

pytestmark = pytest.mark.slow  # seconds on a quiet machine, many where others use it

FOUR_MINUTES_S = 240.0
SAMPLES = 24
TABLES = (
    "runtime.state.cache.pods.records",
    "runtime.state.queue.pods",
    "runtime.state.intake.warned",
)
"""Tables that are full within minutes; memory comes to rest within hours alone."""


def rising(soaked: Soaked) -> set[str]:
    """Return the names of the series that rise."""
    return {fit.name for fit in soaked.fits() if not fit.is_flat}


@pytest.fixture
def descriptors() -> Iterator[list[int]]:
    """Yield a list of descriptors that are closed in the end."""
    opened: list[int] = []
    yield opened
    for descriptor in opened:
        os.close(descriptor)


def test_a_service_keeps_no_more_than_it_kept_before() -> None:
    soaked = soak(Plan(FOUR_MINUTES_S, SAMPLES))

    assert soaked.bugs == []
    assert min(soaked.happened[what] for what in ("roll", "cut", "fail a node")) >= 1
    assert soaked.told["isochrone_bindings_total bound"] > 100
    assert not rising(soaked) & {FILES, TASKS, *TABLES}


def test_a_service_that_leaks_is_caught(descriptors: list[int]) -> None:
    def leak(service: Service) -> None:
        numbers = count()

        async def for_ever() -> None:
            while True:
                number = next(numbers)
                descriptors.append(os.open(os.devnull, os.O_RDONLY))
                service.state.intake._warned.add(f"uid-{number}")  # noqa: SLF001 - as a bug would
                waiting.append(asyncio.create_task(asyncio.Event().wait()))
                await asyncio.sleep(1.0)

        waiting: list[asyncio.Task[object]] = [asyncio.create_task(for_ever())]

    soaked = soak(Plan(FOUR_MINUTES_S, SAMPLES, spoil=leak))

    assert {FILES, TASKS, "runtime.state.intake.warned"} <= rising(soaked)
