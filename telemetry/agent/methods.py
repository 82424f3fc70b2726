"""With which method each peer is measured: the best that is allowed here and passes there."""

from collections.abc import Callable

from telemetry.agent import wire
from telemetry.agent.addresses import FAMILIES, Address
from telemetry.agent.burst import Burst
from telemetry.agent.icmp import IcmpEcho
from telemetry.agent.log import Condition
from telemetry.agent.loop import Loop
from telemetry.agent.open_burst import OpenBurst, Prober
from telemetry.agent.tcp import TcpConnect
from telemetry.agent.udp_echo import UdpEcho

ICMP, UDP, TCP = 1, 2, 3
_PATIENCE = 3
"""Bursts lost whole, before another method is tried: not the first hiccup."""
_FIRST_TRIAL, _LAST_TRIAL = 4, 256
"""Bursts answered by a lesser method, before the best is tried again; four times as many each."""
_RETRY_S = 60.0


OpenProber = Callable[[Loop, int, int, int], Prober]
"""Opens what sends by a method in a family; UDP and TCP go to a port."""


def open_prober(loop: Loop, method: int, family: int, port: int) -> Prober:
    """Open the sockets of a method.

    Raises
    ------
    OSError
        If they are refused.
    """
    if method == ICMP:
        return IcmpEcho(loop, family)
    return (UdpEcho if method == UDP else TcpConnect)(loop, family, port)


class Nowhere:
    """Where this machine has no way to send at all: every packet is lost."""

    method = ICMP

    def send(self, burst: OpenBurst, place: int) -> None:
        """Send nothing."""

    def forget(self, burst: OpenBurst) -> None:
        """Forget nothing."""

    def read(self) -> None:
        """Read nothing."""

    def close(self) -> None:
        """Close nothing."""


class Ladder:
    """A peer the best method does not reach, or not now."""

    __slots__ = ("answered", "lost", "trial_after", "using")

    def __init__(self, using: int) -> None:
        self.using = using
        self.lost = 0
        """Bursts lost whole, one after the other."""
        self.answered = 0
        """Bursts answered since the last trial of the best method."""
        self.trial_after = _FIRST_TRIAL


class Methods:
    """Opens sockets when they are first needed, and remembers what reaches whom.

    Parameters
    ----------
    loop
        What calls the sockets.
    echo_port
        Where peers answer UDP and TCP.
    open_prober
        What opens sockets.
    """

    def __init__(self, loop: Loop, echo_port: int, open_prober: OpenProber = open_prober) -> None:
        self._loop, self._echo_port, self._open = loop, echo_port, open_prober
        self._probers: dict[tuple[int, int], Prober] = {}
        self._retry_s: dict[tuple[int, int], float] = {}
        names = zip(FAMILIES, ("IPv4", "IPv6"), strict=True)
        self._said = {int(family): Condition(name) for family, name in names}
        self._ladders: dict[int, Ladder] = {}
        self._nowhere = Nowhere()

    @property
    def method(self) -> str:
        """The best method that is allowed here, one of `wire.METHODS`."""
        open_now = [m for family in FAMILIES for m in self._allowed(family)[:1]]
        return wire.METHODS[min(open_now, default=ICMP) - 1]

    def choose(self, key: int, address: Address, *, may_try: bool = True) -> Prober:
        """Return what a peer's next burst goes by.

        Parameters
        ----------
        key, address
            Of the peer.
        may_try
            Whether a peer that another method reaches may be tried with the best one again.
        """
        allowed = self._allowed(address.family)
        if not allowed:
            return self._nowhere
        method = allowed[0]
        ladder = self._ladders.get(key)
        if ladder is not None and ladder.using in allowed:
            is_trial = may_try and ladder.lost == 0 and ladder.answered >= ladder.trial_after
            method = method if is_trial else ladder.using
        return self._probers[method, address.family]

    def took(self, burst: Burst, family: int) -> bool:
        """Learn from a burst; return whether it says something about the peer.

        A trial of a method that is known not to pass, and does not pass again, says nothing.
        """
        allowed = self._allowed(family)
        ladder = self._ladders.get(burst.key)
        if burst.lost < burst.sent:
            self._answered(burst, ladder, is_best=burst.method == allowed[0])
            return True
        if ladder is None:
            ladder = self._ladders[burst.key] = Ladder(burst.method)
        if burst.method != ladder.using and ladder.lost == 0:
            ladder.answered = 0
            ladder.trial_after = min(ladder.trial_after * 4, _LAST_TRIAL)
            return False
        ladder.lost += 1
        if ladder.lost >= _PATIENCE and allowed:
            place = allowed.index(burst.method) if burst.method in allowed else -1
            ladder.using = allowed[(place + 1) % len(allowed)]
        return True

    def forget(self, key: int) -> None:
        """Take a peer for one that was never tried: it is gone, or has moved."""
        self._ladders.pop(key, None)

    def read(self) -> None:
        """Give bursts the answers that have come."""
        for prober in self._probers.values():
            prober.read()

    def close(self) -> None:
        """Close all sockets."""
        for prober in self._probers.values():
            prober.close()
        self._probers.clear()

    def _answered(self, burst: Burst, ladder: Ladder | None, *, is_best: bool) -> None:
        if is_best:
            self._ladders.pop(burst.key, None)
        elif ladder is None or ladder.using != burst.method:
            self._ladders[burst.key] = Ladder(burst.method)
        else:
            ladder.lost = 0
            ladder.answered += 1

    def _allowed(self, family: int) -> list[int]:
        return [method for method in (ICMP, UDP, TCP) if self._is_open(method, family)]

    def _is_open(self, method: int, family: int) -> bool:
        if (method, family) in self._probers:
            return True
        now_s = self._loop.now_s()
        if now_s < self._retry_s.get((method, family), now_s):
            return False
        self._retry_s[method, family] = now_s + _RETRY_S
        try:
            prober = self._open(self._loop, method, family, self._echo_port)
        except OSError as error:
            if method == ICMP:
                self._said[family].now("refused", _refused(error))
            return False
        self._probers[method, family] = prober
        if method == ICMP:
            self._said[family].now("open", "measured by ICMP")
        return True


def _refused(error: OSError) -> str:
    return (
        f"no ICMP ({error.strerror}), so UDP echo and TCP are used; for ICMP, "
        "net.ipv4.ping_group_range must include this process's group"
    )
