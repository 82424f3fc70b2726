"""A measurer on a network on paper, in time that a test turns by hand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from telemetry.agent.burst import Burst
from telemetry.agent.measurer import Measurer, MeasuringConfig
from telemetry.agent.peers import Peer
from telemetry.agent.wire import node_key
from tests.hand_loop import HandLoop, PaperNetwork

ICMP, UDP, TCP = 1, 2, 3
NOBODY: frozenset[int] = frozenset()


def peer_at(number: int, address: str = "") -> Peer:
    name = f"edge-{number}"
    return Peer(name, node_key(name), address or f"10.0.{number // 200}.{number % 200 + 1}")


class Bench:
    """A measurer, what it told, and the network it measures."""

    def __init__(
        self, peers: Sequence[Peer], rtt_us: int = 20_000, **network: frozenset[int]
    ) -> None:
        self.loop = HandLoop()
        answering = {(peer.address, ICMP): rtt_us for peer in peers}
        self.network = PaperNetwork(self.loop, answering, **network)
        self.told: list[Burst] = []
        self.done: list[tuple[int, float]] = []
        config = MeasuringConfig(node_key("here"), pps=10.0, urgent_pps=1000.0, listen_port=0)
        self.measurer = Measurer(self.loop, config, self.told.append, self.network.open)
        self.measurer.start()
        self.measurer.set_peers(peers)
        self.measurer.set_orders(star=True, near=NOBODY)
        self.began_s = self.loop.now_s()

    def close(self) -> None:
        self.measurer.close()
        self.loop.close()

    def urgent(self, order_id: int, keys: Sequence[int] | None) -> None:
        self.measurer.urgent(order_id, keys, self._note)

    def told_of(self, key: int) -> list[Burst]:
        return [burst for burst in self.told if burst.key == key]

    def _note(self, order_id: int) -> None:
        self.done.append((order_id, self.loop.now_s() - self.began_s))


class Benches:
    """Makes benches, and closes them."""

    def __init__(self) -> None:
        self.made: list[Bench] = []

    def __call__(
        self, peers: Sequence[Peer], rtt_us: int = 20_000, **network: frozenset[int]
    ) -> Bench:
        self.made.append(Bench(peers, rtt_us, **network))
        return self.made[-1]


@contextmanager
def benches() -> Iterator[Benches]:
    """Give what makes benches, and close them."""
    making = Benches()
    try:
        yield making
    finally:
        for made in making.made:
            made.close()
