"""What is believed of nodes over time: dead, back but not yet trusted; and of whoever observes it.

A state machine fed with observations. The clock is an argument and must not step back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.reliability.failover.settings import FailoverSettings
from scheduler.reliability.health import UNREACHABLE

GONE = "gone"
"""The sign of a node that was deleted."""

BY_AGENTS = "silent to agents"
"""The sign of a node that other nodes' agents hear nothing of."""

SILENT = frozenset({UNREACHABLE, BY_AGENTS})
"""Signs of a node that nobody hears of. One that says itself that it is not ready still obeys."""

LEAST_SUSPICIOUS = 3
"""Nodes that must vanish before the observer is suspect: of two nodes one is half already."""

_MOST_DOUBLINGS = 32
"""A longer power of two says nothing more."""


@dataclass(frozen=True, slots=True)
class Death:
    """By which sign a node is believed dead, and since when.

    `since_s` is when it died, `sign_since_s` since when this sign is seen, or one as silent.
    """

    sign: str
    since_s: float
    sign_since_s: float


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed at one time.

    Parameters
    ----------
    dead
        By name, nodes that are there and believed dead.
    held_down
        Names of nodes that are back and not yet trusted.
    missing
        While the observer is suspect, how many of the nodes are missing that made it so; else 0.
    nodes
        How many there are, with those that were deleted within the suspect window.
    """

    dead: Mapping[str, Death] = field(default_factory=dict)
    held_down: frozenset[str] = frozenset()
    missing: int = 0
    nodes: int = 0

    @property
    def is_suspect(self) -> bool:
        """Whether too much vanished at once for the observer to be believed."""
        return self.missing > 0


@dataclass(slots=True)
class _Record:
    """A node that died at least once, or that has not lived yet.

    `is_excused` says that it died while the observer was suspect, `is_newborn` that it is not ready
    for the first time.
    """

    death: Death | None = None
    deaths_s: tuple[float, ...] = ()
    held_until_s: float = 0.0
    is_excused: bool = False
    is_newborn: bool = False


class Beliefs:
    """Remembers nodes that died; those that never did are trusted."""

    def __init__(self, settings: FailoverSettings) -> None:
        self._settings = settings
        self._records: dict[str, _Record] = {}
        self._suspect_from_s: float | None = None

    def see(self, node: str, sign: str, now_s: float, *, is_new: bool = False) -> None:
        """Take in how a node is.

        Parameters
        ----------
        node
            Its name.
        sign
            By which it is believed dead; empty for one that lives.
        now_s
            When, seconds.
        is_new
            Whether it has just joined: a node that is not ready yet has neither died nor vanished.
        """
        record = self._records.get(node)
        if not sign:
            if record is not None and record.death is not None:
                self._take_back(record, now_s)
            return
        if record is None:
            record = self._records[node] = _Record(is_newborn=is_new)
        death = record.death
        if death is None:
            record.death = Death(sign, now_s, now_s)
            record.deaths_s = (*self._recent(record, now_s), now_s)
            record.is_excused = self._suspect_from_s is not None
        elif death.sign != sign:
            is_as_silent = sign in SILENT and death.sign in SILENT
            since_s = death.sign_since_s if is_as_silent else now_s
            record.death = Death(sign, death.since_s, since_s)

    def is_held_down(self, node: str, now_s: float) -> bool:
        """Whether a node is back from the dead and not yet trusted."""
        record = self._records.get(node)
        return record is not None and record.death is None and record.held_until_s > now_s

    def believe(self, nodes: int, now_s: float) -> Belief:
        """Return what is believed now.

        Parameters
        ----------
        nodes
            How many there are, dead ones included, deleted ones not.
        now_s
            Seconds.

        Notes
        -----
        O(d), where d nodes died within the flap window or are dead.
        """
        self._forget(now_s)
        window_s = now_s - self._settings.suspect_window_seconds
        deaths = {n: r.death for n, r in self._records.items() if r.death is not None}
        known = nodes + sum(d.sign == GONE and d.since_s > window_s for d in deaths.values())
        held = (n for n, r in self._records.items() if r.death is None and r.held_until_s > now_s)
        return Belief(
            {name: death for name, death in deaths.items() if death.sign != GONE},
            frozenset(held),
            self._missing(known, window_s),
            known,
        )

    def _take_back(self, record: _Record, now_s: float) -> None:
        """Hold a node down that lives again."""
        if record.is_newborn:
            record.death, record.deaths_s, record.is_newborn = None, (), False
            return
        deaths_s = self._recent(record, now_s)
        if record.is_excused:  # it was the observer who was away
            deaths_s = deaths_s[:-1]
        settings = self._settings
        doublings = min(max(0, len(deaths_s) - 1), _MOST_DOUBLINGS)
        hold_s = min(settings.hold_down_seconds * 2**doublings, settings.max_hold_down_seconds)
        record.death, record.deaths_s, record.is_excused = None, deaths_s, False
        record.held_until_s = now_s + hold_s

    def _recent(self, record: _Record, now_s: float) -> tuple[float, ...]:
        """Return when a node died within the flap window."""
        first_s = now_s - self._settings.flap_window_seconds
        return tuple(at_s for at_s in record.deaths_s if at_s > first_s)

    def _missing(self, known: int, window_s: float) -> int:
        """Return how many nodes are missing, if too many vanished at once; else 0.

        Suspicion ends only when half as many are missing as it takes to begin: not each single
        node that returns or is lost then changes what may be done.
        """
        limit = self._settings.suspect_share * known
        from_s = self._suspect_from_s
        is_new = from_s is None
        lost = self._vanished(window_s if from_s is None else from_s, window_s)
        is_suspect = (
            len(lost) >= LEAST_SUSPICIOUS and len(lost) > limit if is_new else len(lost) > limit / 2
        )
        if not is_suspect:
            self._suspect_from_s = None
            return 0
        if is_new:
            self._suspect_from_s = window_s
        for record in lost:
            record.is_excused = True
        return len(lost)

    def _vanished(self, from_s: float, window_s: float) -> list[_Record]:
        """Return the nodes that died after `from_s`, and of those deleted only the recent ones."""
        found = []
        for record in self._records.values():
            death = record.death
            if death is None or record.is_newborn:
                continue
            if death.since_s > (window_s if death.sign == GONE else from_s):
                found.append(record)
        return found

    def _forget(self, now_s: float) -> None:
        """Forget nodes that are trusted again and whose deaths are forgiven, or that stay away."""
        for name, record in list(self._records.items()):
            is_away = record.death is None or record.death.sign == GONE
            if is_away and record.held_until_s <= now_s and not self._recent(record, now_s):
                del self._records[name]
