"""How often something may happen: buckets that fill at a rate."""

from collections import OrderedDict
from typing import Generic, TypeVar

from telemetry.ports import Clock

_T = TypeVar("_T")
_K = TypeVar("_K")


class Bucket:
    """Lets `burst` through at once, and `rate` a second from then on.

    Parameters
    ----------
    rate
        A second.
    burst
        At once.
    now_s
        The time it begins, full.
    """

    __slots__ = ("_burst", "_left", "_rate", "_seen_s")

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._seen_s = burst, now_s

    def wait_s(self, now_s: float) -> float:
        """Return how long until the next may pass, seconds; 0 for now. Takes nothing."""
        self._left = min(self._burst, self._left + (now_s - self._seen_s) * self._rate)
        self._seen_s = now_s
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) / self._rate

    def take(self, now_s: float) -> float:
        """Let one through if it may pass, and return `wait_s` as it was before."""
        wait_s = self.wait_s(now_s)
        if wait_s <= 0.0:
            self._left -= 1.0
        return wait_s

    def give_back(self) -> None:
        """Undo one `take` that let through."""
        self._left = min(self._burst, self._left + 1.0)


class Recent(Generic[_K, _T]):
    """Remembers the `most` values used last.

    Parameters
    ----------
    most
        How many; the one unused for longest is forgotten first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_K, _T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: _K) -> _T | None:
        """Return what is kept, and count it as used."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: _K, value: _T) -> None:
        """Keep a value."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: _K) -> None:
        """Forget a value."""
        self._kept.pop(key, None)


class Buckets(Generic[_K]):
    """A `Bucket` for each of many.

    Parameters
    ----------
    rate, burst
        As for `Bucket`.
    most
        How many are kept; one that is forgotten begins anew, full.
    now_s
        The clock.
    """

    def __init__(self, rate: float, burst: float, most: int, now_s: Clock) -> None:
        self._rate, self._burst, self._now_s = rate, burst, now_s
        self._kept: Recent[_K, Bucket] = Recent(most)

    def take(self, key: _K) -> float:
        """Return as `Bucket.take`."""
        now_s = self._now_s()
        found = self._kept.get(key)
        if found is None:
            found = Bucket(self._rate, self._burst, now_s)
            self._kept.put(key, found)
        return found.take(now_s)

    def give_back(self, key: _K) -> None:
        """Undo one `take` that let through."""
        found = self._kept.get(key)
        if found is not None:
            found.give_back()
