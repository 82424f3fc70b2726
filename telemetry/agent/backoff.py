"""How long to wait before trying again."""

from collections.abc import Callable

LEAST_S = 1.0
MOST_S = 30.0


class Backoff:
    """Waits that double with each failure, each shortened at random by up to a half.

    After an outage all agents of a cluster come back at once; chance spreads them.

    Parameters
    ----------
    chance
        Gives numbers from 0 up to 1.
    """

    __slots__ = ("_chance", "_failures")

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failures = 0

    def next_s(self, *, least_s: float = 0.0, most_s: float = MOST_S) -> float:
        """Return the next wait, seconds, and count one more failure.

        Parameters
        ----------
        least_s
            Shortest, where somebody asked for it; chance then lengthens it.
        most_s
            Longest, but for `least_s`.
        """
        doubled_s = min(LEAST_S * 2.0 ** min(self._failures, 16), most_s)
        self._failures += 1
        if least_s >= doubled_s:
            return least_s * (1.0 + self._chance() / 2.0)
        return max(doubled_s * (1.0 - self._chance() / 2.0), least_s)

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._failures = 0
