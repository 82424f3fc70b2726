"""Measures the peers: whom next, how fast, with which method."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from telemetry.agent import wire
from telemetry.agent.burst import Burst
from telemetry.agent.loop import Loop
from telemetry.agent.peers import Peer


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
    """

    def __init__(
        self, loop: Loop, config: MeasuringConfig, on_burst: Callable[[Burst], None]
    ) -> None:
        self._loop, self._config, self._on_burst = loop, config, on_burst
        self.probes = 0
        """Packets sent since the start."""
        self.losses = 0
        """Of them unanswered."""

    @property
    def method(self) -> str:
        """What it measures with where nothing hinders: one of `wire.METHODS`."""
        raise NotImplementedError

    def start(self) -> None:
        """Open sockets, answer others' echoes, and begin."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all sockets; nothing is told after."""
        raise NotImplementedError

    def set_peers(self, peers: Sequence[Peer]) -> None:
        """Measure these and no others. A known key with another address has moved."""
        raise NotImplementedError

    def set_orders(self, *, star: bool, near: frozenset[int]) -> None:
        """Follow standing orders.

        Parameters
        ----------
        star
            Measure all peers, not only those the mesh gives this end.
        near
            Keys of peers that are always measured by this end, more often than others.
        """
        raise NotImplementedError

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
            Called once every burst has ended, answered or lost, after `on_burst` had the last.
        """
        raise NotImplementedError

    def set_pace(self, pps: float, urgent_pps: float) -> None:
        """Send no more packets a second than this, ordinarily and for urgent orders."""
        raise NotImplementedError
