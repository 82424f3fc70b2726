"""The agent's loop with a clock that a test turns by hand, and a network to measure in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from typing_extensions import override

from telemetry.agent.loop import Loop
from telemetry.agent.open_burst import OpenBurst, Prober
from telemetry.agent.responder import Responder
from tests.real.ports import free_port


@contextmanager
def answering(loop: Loop) -> Iterator[Responder]:
    """Give what answers others, on a port where nothing else listens by UDP or by TCP."""
    while True:
        said: list[str] = []
        responder = Responder(loop, free_port(), said.append)
        if not said:
            break
        responder.close()  # tests beside this one were sooner
    yield responder
    responder.close()


class HandLoop(Loop):
    """Time passes in `advance` alone; every timer is called at its very moment."""

    def __init__(self) -> None:
        self._now_s = 1_000.0
        super().__init__()

    @override
    def now_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self._now_s + seconds
        while self._due and self._due[0][0] <= end_s:
            self._now_s = max(self._now_s, self._due[0][0])
            self._call_due()
        self._now_s = end_s


class PaperNetwork:
    """Answers bursts after a set time, or never; no socket is opened.

    Parameters
    ----------
    loop
        Whose time passes.
    rtt_us
        By address and method; who is not there does not answer.
    refused
        Methods whose sockets are refused.
    """

    def __init__(
        self,
        loop: Loop,
        rtt_us: Mapping[tuple[str, int], int],
        refused: frozenset[int] = frozenset(),
    ) -> None:
        self.loop, self.rtt_us, self.refused = loop, dict(rtt_us), refused
        self.sent: list[tuple[float, int]] = []
        """When packets were sent, and the keys they went to."""

    def open(self, _loop: Loop, method: int, family: int, _port: int) -> Prober:
        """Open a prober, as `methods.open_prober` does."""
        if method in self.refused:
            raise PermissionError(13, "Permission denied")
        return PaperProber(self, method, family)

    def sent_to(self, key: int) -> list[float]:
        """Return when packets went to a peer."""
        return [at_s for at_s, to in self.sent if to == key]


class PaperProber:
    """Sends nothing anywhere."""

    def __init__(self, network: PaperNetwork, method: int, family: int) -> None:
        self.method, self.family = method, family
        self._network = network
        self._forgotten: set[OpenBurst] = set()

    def send(self, burst: OpenBurst, place: int) -> None:  # noqa: ARG002 - all packets are alike
        """Note a packet, and have it answered in time."""
        network = self._network
        network.sent.append((network.loop.now_s(), burst.key))
        rtt_us = network.rtt_us.get((burst.address.host, self.method))
        if rtt_us is not None:

            def answer() -> None:
                if burst not in self._forgotten:
                    burst.answer(rtt_us)

            network.loop.call_at(network.loop.now_s() + rtt_us / 1e6, answer)

    def forget(self, burst: OpenBurst) -> None:
        """Give a burst no more answers."""
        self._forgotten.add(burst)

    def read(self) -> None:
        """Read nothing: answers come by themselves."""

    def close(self) -> None:
        """Close nothing."""
