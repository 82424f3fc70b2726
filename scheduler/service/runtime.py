"""All loops of the service, owned by one task group.

The watch is read by a task of its own, ahead of all other work: an API server ends a watch that is
read too slowly. Long work (decisions, clustering) runs in threads; nothing here blocks the loop.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Cluster, Leadership, Lost, RttSource, Unreadable
from scheduler.service.binding import Binder
from scheduler.service.cycle import Decider, SchedulingCycle
from scheduler.service.leading import LeadersCluster
from scheduler.service.notes import NoteWriter
from scheduler.service.state import ServiceState
from scheduler.service.waiting import WaitingNotes
from scheduler.service.zoning import ZoneFunction, Zoning

_T = TypeVar("_T")

_RETRY_FIRST_S = 1.0
_RETRY_LAST_S = 30.0
_TICK_S = 0.001
_REST = 3.0
"""Time between two decisions, as a multiple of what the earlier one took."""

_BREATH = 256
"""Events taken in before other tasks get a turn: a relist of 150,000 pods must not starve them."""

GRACE_S = 20.0
"""Longest wait, at the end, for bindings under way; a pod is given 30 s to stop."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the service is connected to.

    Without `rtt` it places what needs no delay; without `leadership` it always leads.
    """

    cluster: Cluster
    rtt: RttSource | None = None
    leadership: Leadership | None = None


class Runtime:
    """Runs the service from `run` until `stop`."""

    def __init__(
        self,
        state: ServiceState,
        outside: Outside,
        decider: Decider,
        zones: ZoneFunction | None,
        log: FilteringBoundLogger,
    ) -> None:
        self.state = state
        self._outside = outside
        self._leadership = outside.leadership
        cluster: Cluster = outside.cluster
        if outside.leadership is not None:
            cluster = LeadersCluster(cluster, outside.leadership)
        self._cluster = cluster
        self._zoning: Zoning | None = None
        if zones is not None and state.settings.clustering.enabled:
            self._zoning = Zoning(state, zones, decider.runner, log)
        self._log = log
        self.notes = NoteWriter(cluster, log)
        waiting = WaitingNotes(state, self.notes, log)
        self.binder = Binder(state, cluster, self.notes, waiting, log)
        self.cycle = SchedulingCycle(state, decider, self.binder, waiting, log)
        self._stopping = asyncio.Event()
        self.is_deposed = False
        self._rests_until_s = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether the cache is complete and the service is not on its way out."""
        return self.state.cache.is_synced and not self._stopping.is_set()

    @property
    def is_leading(self) -> bool:
        """Whether decisions are made here."""
        return self._leadership is None or self._leadership.is_leading

    def stop(self) -> None:
        """Finish what is in flight and end; `run` then returns."""
        self._stopping.set()
        self.state.changed.set()

    async def run(self) -> None:
        """Run until `stop`, then finish what is in flight.

        Also ends, with `is_deposed`, when leadership is lost: like every Kubernetes controller, a
        replica that led starts anew as one that stands by.
        """
        if self._outside.rtt is None:
            self._log.warning("rtt.none", effect="pods that ask for a delay wait")
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(loop) for loop in self._loops()]
            await self._schedule()
            await self._finish()
            for loop in loops:
                loop.cancel()
        if self._leadership is not None:
            await self._leadership.release()

    def _loops(self) -> list[Coroutine[None, None, None]]:
        loops = [
            self._keep(self._read_cluster, "watch", self.state.metrics.watch_failures.inc),
            self.binder.run(),
            self.notes.run(),
        ]
        if self._outside.rtt is not None:
            loops.append(self._keep(self._read_rtt, "rtt", self.state.metrics.rtt_failures.inc))
        if self._zoning is not None:
            loops.append(self._zoning.run())
        if self._leadership is not None:
            loops.append(self._lead(self._leadership))
        return loops

    async def _schedule(self) -> None:
        """Run a cycle whenever a batch is due."""
        clock = self.state.clock
        while not self._stopping.is_set():
            self.state.changed.clear()
            next_s = None
            # A cache with holes must not be acted on, nor another's cluster; and what cannot be
            # sent yet is decided later, better, together with what arrives meanwhile.
            if self.state.cache.is_synced and self.is_leading and not self.binder.is_busy:
                next_s = await self._cycle()
            # Not less than a tick: a clock that rounds down must not be asked again and again.
            wait_s = None if next_s is None else max(_TICK_S, next_s - clock.now_s())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.state.changed.wait()

    async def _cycle(self) -> float | None:
        """Run a cycle if it is time; return when it may be time again, on the queue's clock."""
        now_s, queue = self.state.clock.now_s, self.state.queue
        began_s = now_s()
        if began_s < self._rests_until_s:
            return self._rests_until_s
        if await self.cycle.run():
            # Of a steady stream of pods more come together: a quarter of a processor decides well
            # enough, and the rest is left for bindings. No longer than the batch window, though.
            ended_s = now_s()
            longest_s = self.state.settings.queue.batch_max_milliseconds / 1000
            self._rests_until_s = ended_s + min(_REST * (ended_s - began_s), longest_s)
            return max(queue.next_s() or ended_s, self._rests_until_s) if len(queue) else None
        return queue.next_s()

    async def _lead(self, leadership: Leadership) -> None:
        """Compete for leadership; stop when it is lost."""
        await leadership.campaign(self._take_over)
        self.is_deposed = True
        self._log.error("leadership.lost", holder=leadership.holder)
        self.state.journal.add(self.state.clock.wall_s(), "error", "leadership lost: stopping")
        self.stop()

    async def _take_over(self) -> None:
        """Learn all that the leader before us has bound; then lead."""
        self._log.info("leadership.taken")
        await self._cluster.list_anew()
        self.state.journal.add(self.state.clock.wall_s(), "cluster", "this replica leads now")
        self.state.changed.set()

    async def _finish(self) -> None:
        """Let bindings under way be answered and their notes written."""
        try:
            async with asyncio.timeout(GRACE_S):
                await self.binder.drain()
                await self.notes.drain()
        except TimeoutError:
            self._log.warning("stop.unfinished", grace_s=GRACE_S)

    async def _keep(
        self,
        read: Callable[[], Coroutine[None, None, bool]],
        name: str,
        count_failure: Callable[[], None],
    ) -> None:
        """Repeat `read` for ever; wait longer after each failure without any progress."""
        wait_s = _RETRY_FIRST_S
        while True:
            try:
                has_progressed = await read()
                what = "ended"
            except Exception as error:  # noqa: BLE001 - the last good state is kept
                has_progressed = False
                what = f"{type(error).__name__}: {error}"
            count_failure()
            wait_s = _RETRY_FIRST_S if has_progressed else min(2 * wait_s, _RETRY_LAST_S)
            self._log.warning("source.broke", source=name, what=what, retry_s=wait_s)
            self.state.journal.add(self.state.clock.wall_s(), "error", f"{name}: {what}")
            await asyncio.sleep(wait_s)

    async def _read_cluster(self) -> bool:
        """Take in events until the watch ends; return whether there were any."""
        state, taken = self.state, 0
        state.cache.begin_listing()
        try:
            async with _closing(self._cluster.events()) as events:
                async for event in events:
                    now_s, wall_s = state.clock.now_s(), state.clock.wall_s()
                    if isinstance(event, Lost | Unreadable):
                        self._log.warning("cluster.unseen", what=event.what)
                    for note in state.intake.apply(event, now_s, wall_s):
                        self.notes.put(note)
                    self.state.changed.set()
                    taken += 1
                    if taken % _BREATH == 0:
                        await asyncio.sleep(0)
        finally:
            state.cache.lose_sync()  # what happens until the next list is complete is not seen
        return taken > 0

    async def _read_rtt(self) -> bool:
        """Take over RTT tables until their source ends; return whether there were any."""
        state, taken, source = self.state, 0, self._outside.rtt
        if source is None:
            return False
        async with _closing(source.tables()) as tables:
            async for table in tables:
                wall_s = state.clock.wall_s()
                state.intake.set_rtt(table, state.clock.now_s(), wall_s)
                state.metrics.rtt_tables.inc()
                state.metrics.rtt_updated_s.set(wall_s)
                state.metrics.rtt_nodes.set(len(table.nodes))
                if self._zoning is not None:
                    self._zoning.renew()
                self.state.changed.set()
                taken += 1
        return taken > 0


@asynccontextmanager
async def _closing(source: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Close an asynchronous generator when its reader leaves, not when memory is collected."""
    try:
        yield source
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
