"""Stars: all pairs of a reference measured before a pod is said to be unschedulable for a delay."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Prober
from scheduler.service.state import ServiceState

LONGEST_REST_S = 1_800.0
"""Between two stars of a reference for which pods go on being refused."""


@dataclass(slots=True)
class _Rest:
    """When a reference's star was last measured, and how long to wait until the next."""

    ended_s: float
    rest_s: float


class Stars:
    """Has stars measured, each reference's once at a time and not again too soon.

    Whoever asks while one is under way joins it. Of a reference that is asked about again and
    again each rest is twice the one before.
    """

    def __init__(self, state: ServiceState, prober: Prober, log: FilteringBoundLogger) -> None:
        self._state = state
        self._prober = prober
        self._log = log
        self._rests: dict[str, _Rest] = {}
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def wanted(self, references: set[str]) -> tuple[str, ...]:
        """Return which of some references' stars are to be waited for before a refusal is told."""
        return tuple(
            name
            for name in sorted(references)
            if name in self._under_way
            or (self._is_rested(name) and self._prober.can_probe(name, None))
        )

    def begin(self, references: tuple[str, ...], run: Callable[[Awaitable[None]], None]) -> None:
        """Begin those of the stars that are not under way; `run` takes what is to be run."""
        for name in references:
            if name not in self._under_way:
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._under_way[name] = future
                run(self._measure(name, future))

    async def ended(self, references: tuple[str, ...]) -> None:
        """Wait until these stars are measured, or given up."""
        for name in references:
            future = self._under_way.get(name)
            if future is not None:
                await asyncio.shield(future)

    async def _measure(self, name: str, future: "asyncio.Future[None]") -> None:
        is_answered = False
        try:
            is_answered = await self._prober.probe(name, None)
        except Exception as error:  # noqa: BLE001 - as good as no answer
            self._log.warning("rtt.probe_failed", reference=name, error=str(error))
        finally:
            self._state.metrics.count_verified("star" if is_answered else "star_unanswered")
            self._log.info("rtt.star", reference=name, answered=is_answered)
            self._rest(name)
            del self._under_way[name]
            if not future.done():
                future.set_result(None)

    def _rest(self, name: str) -> None:
        first_s = self._state.settings.telemetry.verify.star_age_seconds
        now_s, before = self._state.clock.now_s(), self._rests.get(name)
        rest_s = first_s
        # Where nothing seems to help a pod, it is tried again as rarely as this.
        seldom_s = self._state.settings.queue.flush_seconds
        if before is not None and now_s - before.ended_s < 2 * max(before.rest_s, seldom_s):
            rest_s = min(2 * before.rest_s, max(first_s, LONGEST_REST_S))
        self._rests[name] = _Rest(now_s, rest_s)
        if len(self._rests) > len(self._state.cache.rtt.nodes) + 1_000:  # nodes come and go
            self._rests = {name: self._rests[name]}

    def _is_rested(self, name: str) -> bool:
        rest = self._rests.get(name)
        return rest is None or self._state.clock.now_s() - rest.ended_s >= rest.rest_s
