"""All sources as one: what each says comes through, and what is wrong with it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from telemetry.dated import DatedRtt
from telemetry.errors import SourceError, SourceUnavailable
from telemetry.feed import AGEING_S, Feed, Parts
from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US, RttMatrix
from telemetry.ports import Directory
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.silence import Silence
from telemetry.stamps import MaxAges, Origin
from telemetry.store import RttStore
from tests.true_network import MemoryDirectory, measured_row

pytestmark = pytest.mark.looptime


@dataclass
class Scripted:
    """A source that says what the test gives it, one item a second."""

    items: Sequence[Readings | SourceError]
    name: str = "scripted"

    async def rounds(self) -> AsyncIterator[Readings | SourceError]:
        for item in self.items:
            yield item
            await asyncio.sleep(1)
        await asyncio.Event().wait()


@dataclass
class Listener:
    """Reads the tables of a feed."""

    feed: Feed
    tables: list[DatedRtt] = field(default_factory=list)

    async def listen(self) -> None:
        async for table in self.feed.tables():
            self.tables.append(table)

    def rtt(self, pair: str) -> int:
        table = self.tables[-1]
        i, j = table.index[pair[0]], table.index[pair[1]]
        return int(table.from_node(i)[j])


@asynccontextmanager
async def running(
    parts: Parts, told: list[tuple[str, str]], ages: MaxAges | None = None
) -> AsyncIterator[Listener]:
    store = RttStore(KeepSettings(ages or MaxAges()), asyncio.get_running_loop().time)

    def tell(source: str, problem: str, _notes: object, lack: str) -> None:
        told.append((source, problem or (f"(only) {lack}" if lack else "")))

    feed = Feed(store, parts, tell, Silence(10.0))
    listener = Listener(feed)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(feed.run()), group.create_task(listener.listen())]
        await asyncio.sleep(0.1)
        yield listener
        for task in tasks:
            task.cancel()


def reading(rtt_us: int) -> Readings:
    return Readings((PairReading("a", "b", Outcome.MEASURED, rtt_us),))


async def test_readings_become_a_table_and_an_error_keeps_what_was_said_before() -> None:
    told: list[tuple[str, str]] = []
    broken = SourceUnavailable("http://x", "no answer")
    source = Scripted([reading(10_000), broken, reading(20_000)])
    parts = Parts(MemoryDirectory("ab"), readings=((Origin.PROMETHEUS, source),))
    async with running(parts, told) as listener:
        await asyncio.sleep(5)
    assert listener.rtt("ab") == 20_000
    assert told == [("scripted", ""), ("scripted", "http://x: no answer"), ("scripted", "")]


async def test_who_did_not_answer_and_which_names_are_nobodys_is_told() -> None:
    told: list[tuple[str, str]] = []
    odd = Readings(silent=("a",), unmapped=tuple(f"10.0.0.{k}" for k in range(8)))
    parts = Parts(MemoryDirectory("ab"), readings=((Origin.GOLDPINGER, Scripted([odd])),))
    async with running(parts, told):
        await asyncio.sleep(1)
    assert told[0][1] == (
        "1 nodes did not answer: a; 8 names are no node's: 10.0.0.0, 10.0.0.1, 10.0.0.2, "
        "10.0.0.3, 10.0.0.4 and 3 more"
    )


async def test_one_of_many_that_does_not_answer_is_told_as_a_lack_and_is_no_failure() -> None:
    told: list[tuple[str, str]] = []
    pairs = tuple(PairReading(i, "a", Outcome.MEASURED, 10_000) for i in "bcd")
    odd = Readings(pairs, silent=("a",), unmapped=("10.0.0.1",))
    half = Readings(pairs, silent=("e", "f", "g"))
    source = Scripted([odd, half, Readings(pairs)])
    parts = Parts(MemoryDirectory("abcdefg"), readings=((Origin.GOLDPINGER, source),))
    async with running(parts, told):
        await asyncio.sleep(4)
    assert [what for _, what in told] == [
        "(only) 1 nodes did not answer: a; 1 names are no node's: 10.0.0.1",
        "3 nodes did not answer: e, f, g",
        "",
    ]


async def test_a_mapping_by_which_most_names_are_nobodys_is_a_failure() -> None:
    told: list[tuple[str, str]] = []
    odd = Readings(reading(10_000).pairs, unmapped=("10.0.0.1", "10.0.0.2"))
    parts = Parts(MemoryDirectory("ab"), readings=((Origin.PROMETHEUS, Scripted([odd])),))
    async with running(parts, told):
        await asyncio.sleep(1)
    assert told == [("scripted", "2 names are no node's: 10.0.0.1, 10.0.0.2")]


@dataclass
class GrowingDirectory:
    """Implements `PeerDirectory`: grows when the test says so."""

    current: Directory = field(default_factory=Directory)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def grow(self, nodes: str) -> None:
        self.current = Directory(self.current.version + 1, tuple(nodes), {n: n for n in nodes})
        self._changed.set()


async def test_a_row_that_comes_in_the_turn_in_which_its_node_becomes_known_is_taken() -> None:
    directory = GrowingDirectory()
    async with running(Parts(directory), []) as listener:
        directory.grow("ab")
        listener.feed.take(measured_row("a", {"b": 10_000}), whole=True)
        await asyncio.sleep(5)
        directory.grow("abc")
        listener.feed.take(measured_row("c", {"b": 20_000}), whole=True)
        await asyncio.sleep(5)
    assert (listener.rtt("ab"), listener.rtt("cb")) == (10_000, 20_000)


async def test_files_lie_beneath_what_is_measured() -> None:
    async def files() -> AsyncIterator[RttMatrix]:
        yield RttMatrix(("a", "b", "c"), np.full((3, 3), 70_000, dtype=np.int32))
        await asyncio.Event().wait()

    source = Scripted([reading(10_000)])
    parts = Parts(MemoryDirectory("abc"), readings=((Origin.PROMETHEUS, source),), files=files)
    async with running(parts, []) as listener:
        await asyncio.sleep(5)
    assert (listener.rtt("ab"), listener.rtt("ac")) == (10_000, 70_000)


async def test_what_is_not_measured_anew_is_unknown_in_time_though_nothing_else_happens() -> None:
    ages = MaxAges({Origin.PROMETHEUS: 60.0})
    parts = Parts(
        MemoryDirectory("ab"), readings=((Origin.PROMETHEUS, Scripted([reading(10_000)])),)
    )
    async with running(parts, [], ages) as listener:
        await asyncio.sleep(50)
        assert listener.rtt("ab") == 10_000
        await asyncio.sleep(10 + AGEING_S + 2)
        assert listener.rtt("ab") == UNKNOWN_US


async def test_agents_that_fall_silent_are_told_once_and_again_when_they_are_back() -> None:
    told: list[tuple[str, str]] = []

    @dataclass
    class Nobody:
        def focus(self, _stars: object, _near: object) -> None: ...

        def reachable(self, _node: str) -> bool:
            return False

        async def probe(self, _node: str, _peers: object, _timeout_s: float) -> bool:
            return False

    parts = Parts(MemoryDirectory("ab"), desk=Nobody())
    async with running(parts, told) as listener:
        for _ in range(8):
            listener.feed.take(measured_row("a", {"b": 1_000}), whole=False)
            await asyncio.sleep(10)
        assert told == [("agents", "1 of 2 agents are silent for 30 s: b")]
        listener.feed.take(measured_row("b", {"a": 1_000}), whole=False)
        listener.feed.take(measured_row("a", {"b": 1_000}), whole=False)
        await asyncio.sleep(11)
    assert told[1] == ("agents", "")


async def test_no_table_is_made_while_nothing_is_known_of_the_cluster() -> None:
    async with running(Parts(MemoryDirectory("")), []) as listener:
        await asyncio.sleep(60)
    assert listener.tables == []
