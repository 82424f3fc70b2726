"""All sources of RTTs as one: what they measure goes into the store, tables come out.

Sources may come, go silent and return; what each last said stays, with its age. A table is made at
most every `PUBLISH_S`, at once where a decision waits for a probe, and now and then although
nothing was measured, since what is not measured anew grows too old.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from telemetry.dated import DatedRtt
from telemetry.errors import SourceError
from telemetry.lacking import lacking, lacks_half
from telemetry.model import RttTable
from telemetry.ports import PeerDirectory
from telemetry.rows import MeasuredRow
from telemetry.silence import Silence
from telemetry.sources.rounds import ReadingSource
from telemetry.stamps import Origin
from telemetry.store import RttStore

PUBLISH_S = 2.0
_NODES_A_S = 500
"""… of 5,000 nodes every 10 s: each table has what is written after it copied, 200 MB in all."""

_FIRST, _RANKED = 16, 64
"""Where not every pair is kept: nodes of near zones that a reference measures first, and of how
many references at a look."""

AGEING_S = 15.0
_TAKEN_S = 5.0
"""Longest wait for a table to be taken over; who decides meanwhile sees the older one's ages."""


class Told(Protocol):
    """Told how a source does."""

    def __call__(self, source: str, problem: str, notes: tuple[str, ...], lack: str, /) -> None:
        """Take in how it went.

        Parameters
        ----------
        source
            Its name.
        problem
            Why it gave nothing or less than half, or the empty text.
        notes
            What else people should know of what it says.
        lack
            What is missing while more than half came, or the empty text.
        """
        ...


class Desk(Protocol):
    """Orders for agents, as `telemetry.ingest.desk` fulfils it."""

    def focus(self, stars: frozenset[str], near: Mapping[str, frozenset[str]]) -> None:
        """Say which nodes are references, and whom each should measure often."""
        ...

    def reachable(self, node: str) -> bool:
        """Whether an agent of the node takes orders now."""
        ...

    async def probe(self, node: str, peers: Sequence[str] | None, timeout_s: float) -> bool:
        """Have a node probe peers, all of them for None; whether its report was taken in time."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a feed is made of, besides its store.

    Parameters
    ----------
    directory
        Knows the cluster's nodes.
    desk
        Where agents take orders; None without agents.
    readings
        Exporters, each with what its readings count as.
    files
        Yields tables that lie beneath what is measured; None without.
    """

    directory: PeerDirectory
    desk: Desk | None = None
    readings: Sequence[tuple[Origin, ReadingSource]] = ()
    files: Callable[[], AsyncIterator[RttTable]] | None = None


class Feed:
    """Gives RTT tables from all sources, and has pairs probed on demand.

    Parameters
    ----------
    store
        Where all meet.
    parts
        The sources.
    told
        Told how each source does, whenever that changes.
    silence
        Watches which agents report.
    """

    def __init__(self, store: RttStore, parts: Parts, told: Told, silence: Silence) -> None:
        self._store = store
        self._parts = parts
        self._told = told
        self._silence = silence
        self._hurry = asyncio.Event()
        self._versions_taken = asyncio.Condition()
        self._version_taken = -1
        self._version_known: int | None = None

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self._parts.directory.current.nodes)

    @property
    def silent_agents(self) -> frozenset[str]:
        """Nodes whose agent was silent at the last look."""
        return self._silence.silent

    # What measures

    def take(self, row: MeasuredRow, *, whole: bool) -> None:
        """Take in an agent's report.

        Whoever let it in knows of its node already; so must the store, or the row is lost, which an
        agent hands over whole only once.
        """
        if self._parts.directory.current.version != self._version_known:
            self._know()
        self._silence.heard(row.node, self._store.now_s)
        self._store.take(row, whole=whole)

    async def run(self) -> None:
        """Follow all sources until cancelled."""
        self._know()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_directory())
            for origin, source in self._parts.readings:
                group.create_task(self._follow(origin, source))
            if self._parts.files is not None:
                group.create_task(self._follow_files(self._parts.files))
            if self._parts.desk is not None:
                group.create_task(self._listen_for_silence())

    async def _follow_directory(self) -> None:
        while True:
            await self._parts.directory.changed()
            self._know()

    def _know(self) -> None:
        directory = self._parts.directory.current
        self._version_known = directory.version
        self._store.know(directory.nodes)
        self._silence.expect(directory.agents, self._store.now_s)
        self._hurry.set()  # a node nobody has measured yet is better known than not

    async def _follow(self, origin: Origin, source: ReadingSource) -> None:
        async for found in source.rounds():
            if isinstance(found, SourceError):
                self._told(source.name, str(found), (), "")
            else:
                self._store.take_readings(found, origin)
                what = lacking(found)
                problem, lack = (what, "") if lacks_half(found) else ("", what)
                self._told(source.name, problem, found.notes, lack)

    async def _follow_files(self, tables: Callable[[], AsyncIterator[RttTable]]) -> None:
        async for table in tables():
            self._store.take_file(table)

    async def _listen_for_silence(self) -> None:
        while True:
            await asyncio.sleep(self._silence.look_s)
            found = self._silence.news(self._store.now_s)
            if found is not None:
                is_partial = self._silence.is_partial
                problem, lack = ("", found) if is_partial else (found, "")
                self._told("agents", problem, (), lack)

    # What decides

    async def tables(self) -> AsyncIterator[DatedRtt]:
        """Yield a table when there is something new in it, or something has grown old."""
        version, made_s = -1, -AGEING_S
        while True:
            now_s = self._store.now_s
            if self._store.nodes and (self._store.version != version or now_s - made_s >= AGEING_S):
                version, made_s = self._store.version, now_s
                yield self._store.frozen()
                async with self._versions_taken:
                    self._version_taken = version
                    self._versions_taken.notify_all()
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(PUBLISH_S, len(self._store.nodes) / _NODES_A_S)):
                    await self._hurry.wait()

    def focus(
        self,
        references: frozenset[str],
        near: Mapping[str, frozenset[str]],
        dead: frozenset[str],
    ) -> None:
        """Say what decisions depend on.

        Parameters
        ----------
        references
            Nodes that delays are measured from.
        near
            By reference, the nodes on which a budget hangs.
        dead
            Nodes believed dead: their last values stay.
        """
        self._store.focus(references, near)
        self._store.hold(dead)
        if self._parts.desk is None:
            return
        alive = references - dead
        often = {name: set(near.get(name, ())) for name in alive}
        for name in sorted(alive)[:_RANKED]:
            often[name].update(self._store.first_to_measure(name, _FIRST))
        told = {name: frozenset(nodes) for name, nodes in often.items() if nodes}
        self._parts.desk.focus(alive, told)

    def set_zones(self, zone_of: Mapping[str, int]) -> None:
        """Say which zone each node is in, for what is kept of zones in the largest clusters."""
        self._store.set_zones(zone_of)

    def can_probe(self, reference: str, nodes: Iterable[str] | None) -> bool:
        """Whether these pairs can be measured on demand now, from one end or the other."""
        desk = self._parts.desk
        if desk is None:
            return False
        return desk.reachable(reference) or (
            nodes is not None and all(desk.reachable(node) for node in nodes)
        )

    async def probe(self, reference: str, nodes: Sequence[str] | None, timeout_s: float) -> bool:
        """Measure pairs now; return whether all were tried, and the table taken over that says so.

        Parameters
        ----------
        reference
            From which node.
        nodes
            To which; None for all.
        timeout_s
            Seconds for the probes.
        """
        desk = self._parts.desk
        if desk is None:
            return False
        self._store.keep(reference)
        if desk.reachable(reference):
            is_done = await desk.probe(reference, nodes, timeout_s)
        elif nodes is not None:
            ends = [desk.probe(node, (reference,), timeout_s) for node in nodes]
            is_done = all(await asyncio.gather(*ends))
        else:
            is_done = False
        return is_done and await self._is_taken(self._store.version)

    def recent_us(self, reference: str, node: str, max_age_s: float) -> tuple[int, ...] | None:
        """Return the last bursts of a pair, newest last; `UNKNOWN_US` for one lost whole.

        None for a pair that only a file knows: nobody measures it again.
        """
        detail = self._store.detail(reference, node, max_age_s)
        if detail is None:
            return None if self._store.is_only_in_file(reference, node) else ()
        return detail.recent_us

    async def _is_taken(self, version: int) -> bool:
        """Have a table made at once; return whether it was taken over."""
        self._hurry.set()
        try:
            async with asyncio.timeout(_TAKEN_S), self._versions_taken:
                await self._versions_taken.wait_for(lambda: self._version_taken >= version)
        except TimeoutError:
            return False
        return True
