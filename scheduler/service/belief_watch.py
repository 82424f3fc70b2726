"""Looks at what is believed of nodes as time passes, and tells when we ourselves are suspect."""

from typing import Literal

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Announcer, ServiceNote
from scheduler.service.looking import Looking
from scheduler.service.state import ServiceState

LOOK_S = 0.25

SUSPECT_REASON = "ObserverSuspect"
TRUSTED_REASON = "ObserverTrusted"


class BeliefWatch:
    """Ends hold-downs, keeps the metrics, and says when the observer is suspect and when no more.

    `announcer` writes that down in the cluster; None where nothing takes it.
    """

    def __init__(
        self, state: ServiceState, announcer: Announcer | None, log: FilteringBoundLogger
    ) -> None:
        self._state, self._announcer, self._log = state, announcer, log
        self._was_suspect = False
        self._is_announced = False
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled; a replica that stands by does too."""
        looking = Looking(self.look, LOOK_S, 0.0)
        await looking.run(lambda: self._state.cache.is_synced, self._log, "beliefs.look_failed")

    async def look(self) -> float:
        """Look once; return how long to rest, in seconds: no longer than always."""
        state, now_s = self._state, self._state.clock.now_s()
        wakes = state.beliefs.look(now_s)
        if wakes:
            state.queue.wake(wakes, now_s)
            state.changed.set()
        if state.beliefs.is_suspect is not self._was_suspect:
            self._was_suspect = state.beliefs.is_suspect
            self._tell()
        await self._announce()
        return 0.0

    def _tell(self) -> None:
        state = self._state
        if self._was_suspect:
            self._log.warning("observer.suspect", what=self._said())
            state.journal.add(state.clock.wall_s(), "warning", self._said())
        else:
            self._log.info("observer.trusted")
            state.journal.add(state.clock.wall_s(), "node", self._said())

    def _said(self) -> str:
        if not self._was_suspect:
            return "most of the nodes that vanished at once are back, or were removed"
        belief = self._state.beliefs.belief
        return (
            f"{belief.missing} of {belief.nodes} nodes vanished at once: it may be the control "
            "plane that is cut off, and nothing is done to their pods"
        )

    async def _announce(self) -> None:
        """Have it written down in the cluster, by the replica that leads."""
        if not self.is_leading:
            self._is_announced = False
        elif self._is_announced is not self._was_suspect:
            self._is_announced = self._was_suspect
            kind: Literal["Warning", "Normal"] = "Warning" if self._was_suspect else "Normal"
            reason = SUSPECT_REASON if self._was_suspect else TRUSTED_REASON
            if self._announcer is None:
                return
            note = ServiceNote(kind, reason, self._said(), self._state.clock.wall_s())
            try:
                await self._announcer.announce(note)
            except Exception as error:  # noqa: BLE001 - an event is worth a log line, no more
                self._log.warning("note.failed", reason=reason, error=str(error))
