"""How fast packets leave, and with how much chance in it."""

from telemetry.agent.burst import PACKETS

SLOWEST_PPS, FASTEST_PPS = 0.1, 100_000.0
_DEPTH_S = 0.05
"""What may be caught up on at once. With more, a star would begin with a flood."""
_WHOLE = 1.0 - 1e-6
"""A token. Having waited for as long as was said can fall short of one by a rounding."""
_MASK = (1 << 64) - 1


class Chance:
    """Numbers that look random, the same for the same seed.

    Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (SplitMix64), 2014. The
    standard library's `random` is half a megabyte.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def number(self) -> int:
        """Return 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def share(self) -> float:
        """Return a number from 0, and below 1."""
        return (self.number() >> 11) / (1 << 53)


class Bucket:
    """Lets `pps` packets a second pass, and a few more at once after a rest.

    Parameters
    ----------
    pps
        Most packets a second.
    now_s
        The loop's time.
    """

    __slots__ = ("_at_s", "_depth", "_pps", "_tokens")

    def __init__(self, pps: float, now_s: float) -> None:
        self._at_s = now_s
        self._tokens = float("inf")
        self.set_pace(pps)

    def set_pace(self, pps: float) -> None:
        """Let `pps` packets a second pass from now on."""
        self._pps = pps
        # At the least one burst, whose gaps are to be kept.
        self._depth = max(float(PACKETS), pps * _DEPTH_S)
        self._tokens = min(self._tokens, self._depth)

    def wait_s(self, now_s: float) -> float:
        """Return how long until a packet may pass, 0 when it may now."""
        self._fill(now_s)
        return 0.0 if self._tokens >= _WHOLE else (1.0 - self._tokens) / self._pps

    def take(self, now_s: float) -> bool:
        """Let a packet pass, if it may."""
        self._fill(now_s)
        if self._tokens < _WHOLE:
            return False
        self._tokens -= 1.0
        return True

    def _fill(self, now_s: float) -> None:
        self._tokens = min(self._depth, self._tokens + (now_s - self._at_s) * self._pps)
        self._at_s = now_s


class Slots:
    """Moments, one in each interval, somewhere in its first half.

    So agents that start together do not stay together, and still the pace is exact: a moment missed
    for long is not made up for.

    Parameters
    ----------
    interval_s
        From slot to slot.
    now_s
        The loop's time.
    chance
        Where in a slot.
    """

    __slots__ = ("_chance", "_interval_s", "_start_s", "at_s")

    def __init__(self, interval_s: float, now_s: float, chance: Chance) -> None:
        self._interval_s, self._chance = interval_s, chance
        self._start_s = now_s
        self._draw()

    def set_interval(self, interval_s: float, now_s: float) -> None:
        """Go on at another pace, beginning now."""
        if interval_s != self._interval_s:
            self._interval_s, self._start_s = interval_s, now_s
            self._draw()

    def pass_on(self, now_s: float) -> None:
        """Turn to the next slot: this one's moment was used."""
        self._start_s += self._interval_s
        if self._start_s + max(self._interval_s, _DEPTH_S) < now_s:
            self._start_s = now_s
        self._draw()

    def _draw(self) -> None:
        self.at_s = self._start_s + self._interval_s * self._chance.share() / 2
