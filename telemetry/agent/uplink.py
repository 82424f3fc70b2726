"""The agent's reporting side: every scheduler replica is reported to, the leading one followed."""

import os
from collections.abc import Callable, Sequence

from telemetry.agent import log
from telemetry.agent.burst import Burst
from telemetry.agent.config import ReportingConfig
from telemetry.agent.http import Target
from telemetry.agent.loop import Loop, Timer
from telemetry.agent.mandate import Mandate
from telemetry.agent.outbox import Outbox
from telemetry.agent.peers import Peer
from telemetry.agent.row import Row
from telemetry.agent.session import Means, Session
from telemetry.agent.targets import Targets
from telemetry.agent.told import Told, Urgent
from telemetry.agent.typed import NamedTuple, Protocol

_LEADERLESS_S = 60.0
"""Orders are followed for so long after the last word of a replica that leads."""

_NEW_RUN_S = 60.0
"""Before a run that was followed by another agent's is begun anew: should both live, for instance
while one is being replaced, they take turns this slowly."""


class Measuring(Protocol):
    """What has to be measured is handed to; `telemetry.agent.measurer` says what each part does."""

    probes: int
    losses: int

    @property
    def method(self) -> str:
        """What it measures with."""

    def set_peers(self, peers: Sequence[Peer]) -> None:
        """Measure these and no others."""

    def set_orders(self, *, star: bool, near: frozenset[int]) -> None:
        """Follow standing orders."""

    def urgent(
        self, order_id: int, keys: Sequence[int] | None, done: Callable[[int], None]
    ) -> None:
        """Measure at once; `done` is called later, with `order_id`."""

    def set_pace(self, pps: float, urgent_pps: float) -> None:
        """Send no more packets a second than this."""


class _Running(NamedTuple):
    """Whom to tell that an urgent order ended."""

    session: Session
    order_id: int


def chance() -> float:
    """Return a number from 0 up to 1, at random."""
    return int.from_bytes(os.urandom(4), "little") / 2**32


class Uplink:
    """Reports what was measured, and has measured what is ordered.

    Parameters
    ----------
    loop
        What calls it.
    measurer
        Measures.
    row
        All the agent knows; kept here.
    config
        Where to report to, and as whom.
    say
        Where lines for people go.
    chance
        Gives numbers from 0 up to 1.
    """

    def __init__(
        self,
        loop: Loop,
        measurer: Measuring,
        row: Row,
        config: ReportingConfig,
        say: log.Say = log.say,
        chance: Callable[[], float] = chance,
    ) -> None:
        self._loop, self._measurer, self._row, self._config = loop, measurer, row, config
        self._means = Means(loop, self, config.token_path, config.ca_path, chance, say)
        self._mandate = Mandate(config.node)
        self._targets = Targets(loop, config, self._report_to, say)
        self._sessions: dict[Target, Session] = {}
        self._gone: set[Target] = set()
        self._leader = log.Condition("orders", say)
        self._led: Timer | None = None
        self._new_run: Timer | None = None
        self._run = _new_name()
        self._number = 0
        self._local = 0
        self._running: dict[int, _Running] = {}

    def start(self) -> None:
        """Find the schedulers, and report."""
        self._targets.start()

    def close(self) -> None:
        """Close all connections."""
        self._targets.close()
        for session in self._sessions.values():
            session.close()
        for timer in (self._led, self._new_run):
            if timer is not None:
                timer.cancel()

    def on_burst(self, burst: Burst) -> None:
        """Take in a burst that ended."""
        if self._row.put(burst):
            for session in self._sessions.values():
                session.outbox.put(burst)

    # For sessions

    def next_number(self) -> int:
        """Return a number no report has had, whoever it was for.

        One row of numbers for all replicas: two addresses may turn out to be one scheduler.
        """
        self._number += 1
        return self._number

    def head(self) -> dict[str, object]:
        """Return what stands in the head of each report."""
        return {
            "node": self._config.node,
            "run": self._run,
            "method": self._measurer.method,
            "peers": self._mandate.peers_version,
            "orders": self._mandate.orders_version,
            "probes": self._measurer.probes,
            "losses": self._measurer.losses,
        }

    def has_elsewhere(self, session: Session) -> bool:
        """Tell whether a session before this one reports to the same scheduler."""
        for other in self._sessions.values():
            if other is session:
                return False
            if other.is_well and other.instance == session.instance:
                return True
        return False

    def heard(self, session: Session, told: Told, begun: tuple[Urgent, ...], held: int) -> None:
        """Follow an answer: all of it where the replica leads, and where nobody does, its list."""
        is_followed = told.is_leading or not self._mandate.peers_version
        if told.peers and is_followed and self._mandate.take_peers(told.peers, held):
            self._set_peers()
        if not told.is_leading:
            return
        self._leader.now(told.instance, f"following {told.instance}")
        if told.orders is not None:
            self._mandate.take_orders(told.orders)
            self._set_orders()
        most_pps = self._config.max_pps
        self._measurer.set_pace(min(told.pps, most_pps), min(told.urgent_pps, most_pps))
        if self._led is not None:
            self._led.cancel()
        alone_s = max(_LEADERLESS_S, 3 * told.report_s)
        self._led = self._loop.call_at(self._loop.now_s() + alone_s, self._lead_lost)
        for order in begun:
            self._begin(session, order)

    def failed(self, session: Session) -> None:
        """Look for the scheduler under another address."""
        self._targets.hurry()
        if session.instance:
            for other in self._sessions.values():
                if other is not session and other.instance == session.instance:
                    other.wake()
        self._forget_gone()

    def overtaken(self) -> None:
        """Begin a new run, later."""
        if self._new_run is None:
            wait_s = _NEW_RUN_S * (1.0 + self._means.chance())
            self._new_run = self._loop.call_at(self._loop.now_s() + wait_s, self._begin_run)

    # What follows from it

    def _report_to(self, targets: tuple[Target, ...]) -> None:
        """Open sessions with new targets; let go of those that are gone once they fail."""
        self._gone = self._sessions.keys() - set(targets)
        for target in targets:
            if target not in self._sessions:
                session = Session(self._means, target, Outbox(self._row))
                self._sessions[target] = session
                session.start()
        self._forget_gone()

    def _forget_gone(self) -> None:
        """Forget addresses that are gone and do not answer, or that are too many.

        A name server may for a moment not tell of a replica that is well.
        """
        for target in sorted(self._gone):
            is_crowd = len(self._sessions) > self._config.max_replicas
            if is_crowd or not self._sessions[target].is_well:
                self._sessions.pop(target).close()
                self._gone.discard(target)

    def _set_peers(self) -> None:
        peers = tuple(self._mandate.peers.values())
        keys = frozenset(peer.key for peer in peers)
        self._row.keep(keys)
        for session in self._sessions.values():
            session.outbox.keep(keys)
        self._measurer.set_peers(peers)

    def _set_orders(self) -> None:
        self._measurer.set_orders(star=self._mandate.star, near=self._mandate.near)

    def _lead_lost(self) -> None:
        self._leader.now("none", "no replica leads; measuring the mesh")
        self._mandate.forget_orders()
        self._set_orders()

    def _begin(self, session: Session, order: Urgent) -> None:
        # Two replicas may give orders of the same number.
        self._local += 1
        self._running[self._local] = _Running(session, order.order_id)
        self._measurer.urgent(self._local, self._mandate.keys(order.peers), self._end)

    def _end(self, local: int) -> None:
        running = self._running.pop(local, None)
        if running is not None:
            running.session.end(running.order_id)

    def _begin_run(self) -> None:
        self._new_run = None
        self._run = _new_name()
        for session in self._sessions.values():
            session.begin_run()


def _new_name() -> str:
    return os.urandom(16).hex()
