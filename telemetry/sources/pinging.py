"""How a Goldpinger pings: how often, up to when, and whether a ping is one round trip or two.

Its server closes a connection that was idle for 10 s. At a longer interval (its default is 30 s)
every ping opens one, which costs a second round trip: true 3 / 12 / 80 ms read 8.3 / 28.9 / 162.9.
Whatever else uses the connection within 10 s, though (somebody who asks for ``/check_all``, a
proxy, a longer ``--cleanup-timeout``), makes it one again, peer by peer and ping by ping. So a long
interval says that a ping *may* be two, and only that: half of it could be below the distance, the
whole of it never is. It is halved where the operator vouches for it, and no agent shows otherwise.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Timed

REFRESH_S = 30.0
JITTER = 0.05
LIMIT_US = 300_000
"""Goldpinger's own defaults."""

STILL_OPEN_S = 9.5
"""Its server closes connections that are idle for 10 s; 8 s was measured to keep them."""

CALIBRATING_US = 10_000
"""From here on two round trips are told from one: a request costs up to 4 ms on top."""

TWO = 1.6
"""Between one round trip with a request's time (at most 1.4 times 10 ms) and two."""

ENOUGH = 3
"""Pairs that must agree."""

LOOKED_AT = 2_000
COMPARED = 64
"""Pairs of an answer that are looked at, and compared, at most."""

Trusted = Callable[[str, str], int | None]
"""The RTT an agent measured from one node to another, microseconds; None for none."""

_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")
_MICROSECONDS = {"ns": 1e-3, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}


@dataclass(frozen=True, slots=True)
class Pinging:
    """How one instance pings.

    Parameters
    ----------
    refresh_s
        Interval between two pings of a peer, seconds; None where it is not known.
    jitter
        By what share an interval may be longer.
    limit_us
        When a ping is given up, microseconds.
    """

    refresh_s: float | None = None
    jitter: float = JITTER
    limit_us: int = LIMIT_US

    @property
    def age_s(self) -> float:
        """How old its latest ping may be, seconds."""
        return (self.refresh_s or REFRESH_S) * (1 + self.jitter) + self.limit_us / 1e6

    @property
    def timed(self) -> Timed:
        """What its pings are the time of."""
        if self.refresh_s is not None and self.refresh_s * (1 + self.jitter) <= STILL_OPEN_S:
            return Timed.REQUEST
        return Timed.REQUEST_OR_TWO


def pinging_by(env: Mapping[str, str], refresh_s: float = 0.0) -> Pinging:
    """Return how an instance pings by its environment; what is not said is Goldpinger's default.

    Parameters
    ----------
    env
        What its container is started with.
    refresh_s
        The interval as the operator states it; 0 for what `env` says.
    """
    stated_s = refresh_s or _number(env.get("REFRESH_INTERVAL"), REFRESH_S)
    jitter = _number(env.get("JITTER_FACTOR"), JITTER)
    limit_us = _duration_us(env.get("PING_TIMEOUT", ""))
    return Pinging(
        stated_s if stated_s and stated_s > 0 else None,
        JITTER if jitter is None or jitter < 0 else jitter,
        limit_us or LIMIT_US,
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an exporter's pings compare with agents' round trips, pair by pair.

    Parameters
    ----------
    pairs
        How many were compared.
    twos
        Of them, how many read as two round trips.
    factor
        The median of reading by round trip; NaN for no pair.
    """

    pairs: int = 0
    twos: int = 0
    factor: float = math.nan

    @property
    def are_two(self) -> bool:
        """Whether pings are shown to be two round trips: enough pairs, and all of them."""
        return self.pairs >= ENOUGH and self.twos == self.pairs

    @property
    def shows_one(self) -> bool:
        """Whether any ping is shown to be one round trip, so that halving would be wrong."""
        return self.twos < self.pairs


def calibrated(pairs: Iterable[PairReading], trusted: Trusted) -> Calibration:
    """Compare readings with what agents measured of the same pairs.

    Parameters
    ----------
    pairs
        Of one answer, before any correction.
    trusted
        Agents' round trips.
    """
    far = (p for p in pairs if p.outcome is Outcome.MEASURED and p.rtt_us >= CALIBRATING_US)
    ratios: list[float] = []
    for pair in islice(far, LOOKED_AT):
        rtt_us = trusted(pair.measured_from, pair.measured_to)
        if rtt_us is not None and rtt_us >= CALIBRATING_US:
            ratios.append(pair.rtt_us / rtt_us)
        if len(ratios) == COMPARED:
            break
    if not ratios:
        return Calibration()
    return Calibration(len(ratios), sum(ratio >= TWO for ratio in ratios), median(ratios))


def halved(pair: PairReading) -> PairReading:
    """Return a reading of two round trips as one: half of it, rounded up.

    A request of two round trips takes twice the distance and its own time on top; its half is not
    below the distance. What is certainly a single round trip, or no number, stays as it is.
    """
    if pair.timed is not Timed.REQUEST_OR_TWO or pair.outcome is not Outcome.MEASURED:
        return pair
    rtt_us = -(-pair.rtt_us // 2)
    if rtt_us >= HTTP_FLOOR_US:
        return replace(pair, rtt_us=rtt_us, timed=Timed.HALF_REQUEST)
    return PairReading(
        pair.measured_from,
        pair.measured_to,
        Outcome.BELOW_RESOLUTION,
        resolution_us=HTTP_FLOOR_US,
        timed=Timed.HALF_REQUEST,
    )


def _number(text: str | None, default: float) -> float | None:
    """Return a number, the default for none, None for what is no finite number."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _duration_us(text: str) -> int | None:
    """Return a duration as Go writes them, ``1.5s`` or ``300ms``, microseconds; None for none."""
    if not _DURATION.fullmatch(text):
        return None
    return round(sum(float(n) * _MICROSECONDS[unit] for n, unit in _PART.findall(text))) or None
