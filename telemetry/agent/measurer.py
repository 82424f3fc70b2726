"""Measures the peers: whom next, how fast, with which method."""

from collections.abc import Callable, Sequence

from telemetry.agent import wire
from telemetry.agent.addresses import Address, BadAddress, parse
from telemetry.agent.burst import PACKETS, Burst
from telemetry.agent.log import say
from telemetry.agent.loop import Loop
from telemetry.agent.methods import Methods, OpenProber, open_prober
from telemetry.agent.open_burst import OpenBurst
from telemetry.agent.pace import FASTEST_PPS, SLOWEST_PPS, Bucket, Chance, Slots
from telemetry.agent.peers import Peer
from telemetry.agent.pump import Pump, Turn
from telemetry.agent.responder import Responder
from telemetry.agent.schedule import Schedule
from telemetry.agent.typed import NamedTuple
from telemetry.agent.urgent import Order, UrgentQueue

_TOGETHER = 4
"""Ordinary bursts that are begun together, a quarter as often: a process that is woken for one
packet alone spends three times as much on it, most of it on memory that has gone cold."""


class MeasuringConfig(NamedTuple):
    """How an agent measures.

    `key` is the own node's `wire.node_key`. `pps` and `urgent_pps` are the most packets a second,
    ordinarily and for urgent orders, until a scheduler says otherwise. The responder listens on
    `listen_port` (0: any); peers are expected to listen on `echo_port`.
    """

    key: int
    pps: float = 10.0
    urgent_pps: float = 1000.0
    listen_port: int = wire.ECHO_PORT
    echo_port: int = wire.ECHO_PORT


class Measurer:
    """Measures for as long as the loop runs; tells each burst as it ends.

    Parameters
    ----------
    loop
        What calls it.
    config
        How to measure.
    on_burst
        Called with each burst that ended.
    open_prober
        What opens sockets.
    """

    def __init__(
        self,
        loop: Loop,
        config: MeasuringConfig,
        on_burst: Callable[[Burst], None],
        open_prober: OpenProber = open_prober,
    ) -> None:
        self._loop, self._config, self._on_burst = loop, config, on_burst
        # The node's own key as a seed: agents that start together do different things.
        chance = Chance(config.key)
        now_s = loop.now_s()
        self._peers: dict[int, Address] = {}
        self._schedule = Schedule(config.key, chance)
        self._urgent = UrgentQueue()
        self._orders: dict[OpenBurst, list[Order]] = {}
        self._methods = Methods(loop, config.echo_port, open_prober)
        self._slots = Slots(_TOGETHER * PACKETS / config.pps, now_s, chance)
        self._begun = 0
        self._bucket = Bucket(max(config.pps, config.urgent_pps), now_s)
        self._pump = Pump(loop, self._bucket, self._next_burst, self._end, self._methods.read)
        self._responder: Responder | None = None
        self.probes = 0
        """Packets of bursts that have ended, since the start."""
        self.losses = 0
        """Of them unanswered."""

    @property
    def method(self) -> str:
        """What it measures with where nothing hinders: one of `wire.METHODS`."""
        return self._methods.method

    def start(self) -> None:
        """Open sockets, answer others' echoes, and begin."""
        self._responder = Responder(self._loop, self._config.listen_port)
        self._pump.poke()

    def close(self) -> None:
        """Close all sockets; nothing is told after."""
        self._pump.close()
        self._methods.close()
        if self._responder is not None:
            self._responder.close()

    def set_peers(self, peers: Sequence[Peer]) -> None:
        """Measure these and no others. A known key with another address has moved.

        The own node is left out, and so is an address that stands for nobody; that is said.
        """
        known, self._peers = self._peers, {}
        for peer in peers:
            if peer.key == self._config.key:
                continue
            try:
                self._peers[peer.key] = parse(peer.address)
            except BadAddress as error:
                say(f"node {peer.name!r} cannot be measured: {error}")
        for key, address in known.items():
            if self._peers.get(key) != address:
                self._methods.forget(key)
                self._schedule.forget(key)
            if key not in self._peers:
                self._urgent.drop(key)
        self._schedule.set_peers(self._peers)
        self._pump.poke()

    def set_orders(self, *, star: bool, near: frozenset[int]) -> None:
        """Follow standing orders.

        Parameters
        ----------
        star
            Measure all peers, not only those the mesh gives this end.
        near
            Keys of peers that are always measured by this end, more often than others.
        """
        self._schedule.set_orders(star=star, near=near)
        self._pump.poke()

    def urgent(
        self, order_id: int, keys: Sequence[int] | None, done: Callable[[int], None]
    ) -> None:
        """Measure at once.

        Parameters
        ----------
        order_id
            Handed to `done`.
        keys
            Whom; None for all peers. Keys of nobody count as measured: nobody can be asked.
        done
            Called once every burst has ended, answered or lost, after `on_burst` had the last;
            never before this returns.
        """
        wanted = dict.fromkeys(self._peers if keys is None else keys)
        known = [key for key in wanted if key in self._peers]
        # One more than there are peers, ticked by the loop: an order without any is done too.
        order = Order(order_id, len(known) + 1, done)
        self._loop.call_at(self._loop.now_s(), order.tick)
        self._urgent.add(order, known)
        self._pump.poke()

    def set_pace(self, pps: float, urgent_pps: float) -> None:
        """Send no more packets a second than this, ordinarily and for urgent orders.

        What is outside `pace.SLOWEST_PPS` … `pace.FASTEST_PPS` is read as the nearer of the two; an
        urgent pace below the ordinary one as that.
        """
        pps, urgent_pps = (
            min(max(p, SLOWEST_PPS), FASTEST_PPS) if p == p else SLOWEST_PPS  # noqa: PLR0124 - NaN
            for p in (pps, urgent_pps)
        )
        self._slots.set_interval(_TOGETHER * PACKETS / pps, self._loop.now_s())
        self._bucket.set_pace(max(pps, urgent_pps))
        self._pump.poke()

    def _next_burst(self, now_s: float) -> Turn:
        asked = self._urgent.next()
        if asked is not None:
            key, orders = asked
            burst = self._begin(key, now_s, is_urgent=True)
            burst.is_urgent = True
            self._orders[burst] = orders
            return burst
        if now_s < self._slots.at_s:
            return self._slots.at_s
        turn = self._schedule.next(now_s)
        if turn is None and not self._begun:
            return self._schedule.due_s()
        self._begun = (self._begun + 1) % _TOGETHER if turn is not None else 0
        if not self._begun:
            self._slots.pass_on(now_s)
        if turn is None:
            return max(self._slots.at_s, self._schedule.due_s())
        return self._begin(turn, now_s, is_urgent=False)

    def _begin(self, key: int, now_s: float, *, is_urgent: bool) -> OpenBurst:
        address = self._peers[key]
        self._schedule.try_now(key, now_s)
        prober = self._methods.choose(key, address, may_try=not is_urgent)
        return OpenBurst(key, address, prober, now_s)

    def _end(self, burst: OpenBurst) -> None:
        result = burst.result()
        self.probes += result.sent
        self.losses += result.lost
        orders = self._orders.pop(burst, [])
        address = self._peers.get(burst.key)
        if address == burst.address:
            if self._methods.took(result, address.family):
                self._on_burst(result)
        elif address is not None and orders:
            # The peer moved in the meantime: what was asked is asked of where it is now.
            for order in orders:
                self._urgent.add(order, (burst.key,))
            self._pump.poke()
            return
        for order in orders:
            order.tick()
