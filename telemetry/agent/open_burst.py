"""Bursts under way: which packets are out, and which answer belongs to which."""

import os
from collections.abc import Callable

from telemetry.agent import wire
from telemetry.agent.addresses import Address
from telemetry.agent.burst import PACKETS, TIMEOUT_S, Burst
from telemetry.agent.stamps import Moment
from telemetry.agent.typed import Protocol

NUMBERS = 1 << 16
Ended = Callable[["OpenBurst"], None]
_TIMEOUT_US = round(TIMEOUT_S * 1e6)


class Prober(Protocol):
    """Sends packets of one method and family, and gives answers to their bursts."""

    method: int
    """Place in `wire.METHODS`, from 1."""

    def send(self, burst: "OpenBurst", place: int) -> None:
        """Send a packet of a burst; what cannot be sent is a lost packet."""

    def forget(self, burst: "OpenBurst") -> None:
        """Give that burst no more answers."""

    def read(self) -> None:
        """Give bursts the answers that have come and were not given yet."""

    def close(self) -> None:
        """Close its sockets."""


class OpenBurst:
    """A burst under way.

    Parameters
    ----------
    key
        Of the peer.
    address
        Where it goes.
    prober
        What sends it.
    began_s
        The loop's time.
    count
        Packets.
    """

    __slots__ = (
        "address",
        "began_s",
        "count",
        "ended",
        "is_urgent",
        "key",
        "nonce",
        "numbers",
        "prober",
        "rtts_us",
        "sent",
    )

    def __init__(
        self, key: int, address: Address, prober: Prober, began_s: float, count: int = PACKETS
    ) -> None:
        self.key, self.address, self.prober = key, address, prober
        self.began_s, self.count = began_s, count
        self.sent = 0
        self.nonce = os.urandom(8)
        """Goes with each packet, so that no answer to anything else is taken for one of these."""
        self.numbers: list[int] = []
        """Sequence numbers in use."""
        self.rtts_us: list[int] = []
        self.is_urgent = False
        """Whether somebody waits for it."""
        self.ended: Ended = _ignore
        """Called when every packet is answered."""

    def send(self) -> None:
        """Send the next packet."""
        place = self.sent
        self.sent += 1
        self.prober.send(self, place)

    def answer(self, rtt_us: int) -> None:
        """Take the answer to a packet, once each; one that comes too late is none."""
        if rtt_us > _TIMEOUT_US:
            return
        self.rtts_us.append(max(rtt_us, 1))
        if len(self.rtts_us) == self.count:
            self.ended(self)

    def result(self) -> Burst:
        """Return what it found so far."""
        answered = sorted(self.rtts_us)
        median_us = answered[len(answered) // 2] if answered else wire.LOST_US
        least_us = answered[0] if answered else wire.LOST_US
        lost = self.sent - len(answered)
        method = self.prober.method
        return Burst(self.key, median_us, least_us, self.sent, lost, method, self.began_s)


def _ignore(_: OpenBurst) -> None:
    pass


class Echo:
    """A packet that is out."""

    __slots__ = ("burst", "place", "sent")

    def __init__(self, burst: OpenBurst, place: int) -> None:
        self.burst, self.place = burst, place
        self.sent = Moment()


class Echoes:
    """Packets that are out, by sequence numbers of 16 bits."""

    def __init__(self) -> None:
        self._out: dict[int, Echo] = {}
        self._last = -1

    def __len__(self) -> int:
        return len(self._out)

    def number(self) -> int | None:
        """Return the next number that is not in use; None when all are."""
        if len(self._out) == NUMBERS:
            return None
        while True:
            self._last = (self._last + 1) % NUMBERS
            if self._last not in self._out:
                return self._last

    def add(self, number: int, burst: OpenBurst, place: int) -> None:
        """Stamp a packet as sent now."""
        burst.numbers.append(number)
        self._out[number] = Echo(burst, place)

    def take(self, number: int, nonce: bytes, place: int, host: str) -> Echo | None:
        """Return what an answer answers, once; None for late, doubled, alien or strange ones."""
        echo = self._out.get(number)
        if echo is None or echo.burst.nonce != nonce or echo.place != place:
            return None
        # Addresses of a link are told with the link: "fe80::1%eth0".
        if echo.burst.address.host != host.partition("%")[0]:
            return None
        del self._out[number]
        return echo

    def forget(self, burst: OpenBurst) -> None:
        """Take no more answers for a burst."""
        for number in burst.numbers:
            echo = self._out.get(number)
            if echo is not None and echo.burst is burst:
                del self._out[number]
        burst.numbers.clear()
