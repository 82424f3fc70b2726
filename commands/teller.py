"""What people are told: the cluster's own happenings and the service's, in one order."""

from scheduler.service.journal import Happening, HappeningKind, Journal
from scheduler.service.state import ServiceState
from simulator.happenings import Happenings

# What the cluster itself tells already is not told again.
_TOLD_HERE = frozenset({"waiting", "zones", "warning", "error"})


class Teller:
    """Merges both when asked; the live table and the status page read the same lines.

    Attributes
    ----------
    started_s
        When the cluster's time began, seconds on the wall clock.
    """

    def __init__(self, happenings: Happenings, state: ServiceState, started_s: float) -> None:
        self._happenings, self._state = happenings, state
        self._heard = [0, 0]
        self._journal = Journal()
        self.started_s = started_s

    def since(self, number: int = 0) -> list[Happening]:
        """Return what happened after the line `number`, oldest first."""
        self._listen()
        return self._journal.since(number)

    def _listen(self) -> None:
        told = self._happenings.since(self._heard[0])
        noted = self._state.journal.since(self._heard[1])
        if told:
            self._heard[0] = told[-1].number
        if noted:
            self._heard[1] = noted[-1].number
        new: list[tuple[float, HappeningKind, str]] = [
            (self.started_s + line.at_s, "cluster", line.text) for line in told
        ]
        new += [(note.at_s, note.kind, note.text) for note in noted if note.kind in _TOLD_HERE]
        for line in sorted(new, key=lambda one: one[0]):
            self._journal.add(*line)
