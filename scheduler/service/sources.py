"""What the service listens to, followed for ever: the cluster, and a source of RTTs.

The watch is read by a task of its own, ahead of all other work: an API server ends a watch that is
read too slowly.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cluster_events import ClusterEvent, Listed, Lost, Unreadable
from scheduler.domain.ports import Cluster, RttSource
from scheduler.service.state import ServiceState

_T = TypeVar("_T")

RETRY_FIRST_S = 1.0
RETRY_LAST_S = 30.0
_BREATH = 256
"""Events taken in before other tasks get a turn: a relist of 150,000 pods must not starve them."""

_Progress = Callable[[], None]


class Sources:
    """Follows the cluster and RTTs; what breaks off is followed anew.

    Parameters
    ----------
    state
        Told of RTTs, and whether the cluster is followed.
    cluster
        To follow.
    hear
        Takes each of its events.
    """

    def __init__(
        self,
        state: ServiceState,
        cluster: Cluster,
        hear: Callable[[ClusterEvent], None],
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._cluster = cluster
        self._hear = hear
        self._log = log

    async def follow_cluster(self) -> None:
        """Take in what the cluster tells, until cancelled."""
        await self._keep(self._read_cluster, "watch", self._state.metrics.watch_failures.inc)

    async def follow_rtt(self, source: RttSource, renewed: Callable[[], None] | None) -> None:
        """Take over RTT tables until cancelled; call `renewed` after each."""
        read = partial(self._read_rtt, source, renewed)
        await self._keep(read, "rtt", self._state.metrics.rtt_failures.inc)

    async def _keep(
        self,
        read: Callable[[_Progress], Coroutine[None, None, None]],
        name: str,
        count_failure: Callable[[], None],
    ) -> None:
        """Repeat `read` for ever; wait longer after each failure that came without progress."""
        wait_s = RETRY_FIRST_S

        def progress() -> None:
            nonlocal wait_s
            wait_s = RETRY_FIRST_S

        while True:
            try:
                await read(progress)
                what = "ended"
            except Exception as error:  # noqa: BLE001 - the last good state is kept
                what = f"{type(error).__name__}: {error}"
            count_failure()
            self._log.warning("source.broke", source=name, what=what, retry_s=wait_s)
            self._state.journal.add(self._state.clock.wall_s(), "error", f"{name}: {what}")
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_LAST_S)

    async def _read_cluster(self, progress: _Progress) -> None:
        """Take in events until they end."""
        state, taken = self._state, 0
        state.cache.begin_listing()
        try:
            async with _closing(self._cluster.events()) as events:
                async for event in events:
                    if isinstance(event, Lost | Unreadable):
                        self._log.warning("cluster.unseen", what=event.what)
                    self._hear(event)
                    if isinstance(event, Listed):
                        progress()
                    taken += 1
                    if taken % _BREATH == 0:
                        await asyncio.sleep(0)
        finally:
            state.cache.lose_sync()  # what happens until the next list is complete is not seen

    async def _read_rtt(
        self, source: RttSource, renewed: Callable[[], None] | None, progress: _Progress
    ) -> None:
        """Take over RTT tables until their source ends."""
        state = self._state
        async with _closing(source.tables()) as tables:
            async for table in tables:
                wall_s = state.clock.wall_s()
                state.intake.set_rtt(table, state.clock.now_s(), wall_s)
                state.metrics.rtt_tables.inc()
                state.metrics.rtt_updated_s.set(wall_s)
                state.metrics.rtt_nodes.set(len(table.nodes))
                if renewed is not None:
                    renewed()
                state.changed.set()
                progress()


@asynccontextmanager
async def _closing(source: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Close an asynchronous generator when its reader leaves, not when memory is collected."""
    try:
        yield source
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
