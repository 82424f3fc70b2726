"""A soak: hours of a cluster's life pass, and at every so many seconds all is counted."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from benchmarks.soak.around import surrounded
from benchmarks.soak.flatness import Fit, Unit, fit
from benchmarks.soak.jumping import JumpingLoop, election_by, idle_by
from benchmarks.soak.service import Service, wall_clock
from benchmarks.soak.sizes import (
    cache_sizes,
    heap_blocks,
    least_handles,
    resident_bytes,
    table_sizes,
)

WARM_UP_SHARE = 1 / 3
MEMORY, HEAP, FILES, TASKS = "resident memory", "Python's blocks", "open files", "tasks"
_UNITS = {
    MEMORY: Unit.BYTES,
    HEAP: Unit.OBJECTS,
    FILES: Unit.HANDLES,
    TASKS: Unit.HANDLES,
}
"""Of the process; all else is tables."""
_DOUBLE = array("d").itemsize
_LOOK_S = 29.0
_PATHS = ("/metrics", "/readyz?verbose", "/api/summary", "/api/pods", "/api/telemetry")


@dataclass(slots=True)
class Soaked:
    """What was counted: `series` by name, a value at each time of `at_s`, seconds.

    They are arrays: as lists they are a block of Python's heap a value, and the heap is counted.
    `happened` is how often each thing was done to the cluster, `told` what the service counted;
    `bugs` what it logged of its own failures.
    """

    at_s: "array[float]" = field(default_factory=lambda: array("d"))
    series: "dict[str, array[float]]" = field(default_factory=dict)
    happened: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    bugs: Sequence[str] = ()

    def add(self, at_s: float, counted: Mapping[str, float]) -> None:
        """Take in a sample; what it does not name is 0, and what it names first was 0."""
        self.at_s.append(at_s)
        for name in counted:
            self.series.setdefault(name, array("d", bytes(_DOUBLE * (len(self.at_s) - 1))))
        for name, values in self.series.items():
            values.append(float(counted.get(name, 0.0)))

    def fits(self) -> list[Fit]:
        """Return the lines through all series, the warm-up left out."""
        first = int(len(self.at_s) * WARM_UP_SHARE)
        return [
            fit(name, _UNITS.get(name, Unit.ENTRIES), self.at_s[first:], values[first:])
            for name, values in self.series.items()
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a soak is made.

    Parameters
    ----------
    duration_s
        Of the cluster's time.
    samples
        Times that all is counted, evenly. Open files and tasks are counted more often, and the
        least since the sample before is taken.
    seed
        Of what happens.
    spoil
        Given the service before it runs: a test may break it.
    tell
        Told how far it is, after each sample.
    """

    duration_s: float
    samples: int
    seed: int = 1
    spoil: Callable[[Service], object] = lambda _service: None
    tell: Callable[[float], None] = lambda _at_s: None


def soak(plan: Plan) -> Soaked:
    """Let a service run in virtual time.

    Raises
    ------
    RuntimeError
        If it ends by itself.
    """
    loop = JumpingLoop()
    with (
        idle_by(loop),
        election_by(wall_clock(loop)),
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        return runner.run(_soak(loop, plan))


async def _soak(loop: JumpingLoop, plan: Plan) -> Soaked:
    out = Soaked()
    async with surrounded(loop, plan.seed) as (service, life):
        plan.spoil(service)
        running = asyncio.create_task(service.runtime.run())
        beside = [asyncio.create_task(life.go_on()), asyncio.create_task(_look(service.port))]
        for _ in range(plan.samples):
            files, tasks = await least_handles(plan.duration_s / plan.samples)
            for task in (running, *beside):
                if task.done():
                    raise RuntimeError(f"it has ended by itself: {task.exception()!r}")
            out.add(loop.time(), _counted(service) | {FILES: files, TASKS: tasks})
            plan.tell(loop.time())
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        service.runtime.stop()
        await running
        out.happened, out.told, out.bugs = dict(life.happened), _told(service), service.bugs
    return out


async def _look(port: int) -> None:
    """Ask for everything that people and monitors ask for, again and again."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while True:
            for path in _PATHS:
                async with session.get(path) as answer:
                    await answer.read()
            await asyncio.sleep(_LOOK_S)


def _counted(service: Service) -> dict[str, float]:
    """Return all that must not grow, by name, but for open files and tasks."""
    blocks = heap_blocks()
    tables: Counter[str] = table_sizes(service.parts) + cache_sizes()
    return {
        MEMORY: resident_bytes(),
        HEAP: blocks,
        **tables,
    }


def _told(service: Service) -> dict[str, int]:
    """Return what the service's own counters say at the end."""
    out: Counter[str] = Counter()
    for family in service.state.metrics.registry.collect():
        for sample in family.samples:
            if family.type == "counter" and sample.name.endswith("_total"):
                result = sample.labels.get("result", "")
                out[f"{sample.name} {result}".strip()] += int(sample.value)
    return dict(out)
