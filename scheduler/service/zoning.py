"""Zones kept in step with the RTT table, away from the event loop."""

import asyncio
from collections import deque
from functools import partial
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from scheduler.domain.delay import format_ms
from scheduler.domain.zone import ZoneTree
from scheduler.service.state import Runner, ServiceState
from telemetry.dated import Ages, DatedRtt
from telemetry.median import KEPT, median_rtt
from telemetry.model import RttTable
from telemetry.symmetric import SymmetricRtt, symmetric

_SOON_S = 3.0
_REST_S = 30.0
_REST = 20.0
"""Between two clusterings of a live table, seconds and as a multiple of what the earlier took;
sooner while some nodes are in no zone, for too little is known of them yet."""


class ZoneFunction(Protocol):
    """Clusters an RTT table into layers of zones."""

    def __call__(
        self, rtt: RttTable, diameters_us: tuple[int, ...], previous: ZoneTree | None = None
    ) -> ZoneTree:
        """Return the zones; names stay as in `previous` where they can."""
        ...


class Zoning:
    """Clusters anew when the RTT table changed; while one runs, later tables wait as one."""

    def __init__(
        self, state: ServiceState, zones: ZoneFunction, runner: Runner, log: FilteringBoundLogger
    ) -> None:
        self._state = state
        self._zones = zones
        self._runner = runner
        self._log = log
        self._rtt_changed = asyncio.Event()
        self._last: deque[SymmetricRtt] = deque(maxlen=KEPT)

    def renew(self) -> None:
        """Have the zones made anew."""
        self._rtt_changed.set()

    async def run(self) -> None:
        """Cluster until cancelled."""
        state = self._state
        previous: ZoneTree | None = None
        while True:
            await self._rtt_changed.wait()
            self._rtt_changed.clear()
            started_s, wall_s = state.clock.now_s(), state.clock.wall_s()
            if previous is None:  # later ones are repairs, and quick
                number = len(state.cache.rtt.nodes)
                state.journal.add(wall_s, "zones", f"clustering {number} nodes into zones")
            try:
                found = await self._runner(partial(self._made, state.cache.rtt, previous))
            except Exception:  # noqa: BLE001 - zones only guide: the last ones are kept
                self._log.exception("clustering.failed")
                continue
            if previous is None:
                state.journal.add(state.clock.wall_s(), "zones", _zones_said(found))
            state.cache.zones = previous = found
            took_s = state.clock.now_s() - started_s
            state.metrics.clustering_s.observe(took_s)
            if isinstance(state.cache.rtt, Ages):  # it changes every few seconds, a little
                rest_s = _REST_S if _is_whole(found) else _SOON_S
                await asyncio.sleep(max(rest_s, _REST * took_s))

    def _made(self, rtt: RttTable, previous: ZoneTree | None) -> ZoneTree:
        """Return the zones of a table; of one that is measured live, of the median of the last.

        Of a table that holds but some rows no zones can be made: the last ones stay.
        """
        if isinstance(rtt, DatedRtt) and not rtt.is_dense:
            return previous or ZoneTree()
        diameters_us = self._state.settings.clustering.diameters_us
        if isinstance(rtt, Ages):
            self._last.append(symmetric(rtt))
            rtt = median_rtt(self._last)
        return self._zones(rtt, diameters_us, previous)


def _is_whole(zones: ZoneTree) -> bool:
    return bool(zones.layers) and bool((zones.layers[0].zone_of >= 0).all())


def _zones_said(zones: ZoneTree) -> str:
    parts = [f"{len(x.names)} within {format_ms(x.max_rtt_us)}" for x in zones.layers]
    return f"zones: {', '.join(parts)}"
