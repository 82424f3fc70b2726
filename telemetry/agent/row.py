"""The newest burst to each peer: what an agent knows, as a whole."""

import struct
from collections.abc import Collection, Iterator

from telemetry.agent import wire
from telemetry.agent.burst import Burst

_BURST = struct.Struct("<QIIBBBd")

PACKED = _BURST.size
"""Bytes of a burst as `pack` writes it: 27, where the tuple and its numbers are 190."""

_OLDEST_S = 86_000.0
"""What is older than a day is no longer told: schedulers take no report that holds such a pair."""

_LONGEST_US = 600_000_000


class Row:
    """The newest burst to each peer of the list.

    It holds as many bursts as there are peers, and of nobody else, so that its size is bounded.
    """

    def __init__(self) -> None:
        self._peers: Collection[int] = frozenset()
        self._places: dict[int, int] = {}
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Burst]:
        # Of a copy: bytes cannot grow while they are looked at, and a burst may end meanwhile.
        return unpack(bytes(self._bytes))

    def put(self, burst: Burst) -> bool:
        """Keep a burst in place of an older one; tell whether its peer is one of the list."""
        if burst.key not in self._peers:
            return False
        at = self._places.get(burst.key)
        if at is None:
            self._places[burst.key] = len(self._bytes)
            self._bytes += pack(burst)
        else:
            _BURST.pack_into(self._bytes, at, *burst)
        return True

    def keep(self, peers: Collection[int]) -> None:
        """Hold these peers from now on, by their keys, and forget all others."""
        held = [burst for burst in self if burst.key in peers]
        self._peers = peers
        self._bytes = bytearray().join(pack(burst) for burst in held)
        self._places = {burst.key: place * PACKED for place, burst in enumerate(held)}


def pack(burst: Burst) -> bytes:
    """Return a burst as `PACKED` bytes."""
    return _BURST.pack(*burst)


def unpack(packed: bytes) -> Iterator[Burst]:
    """Return the bursts that were packed one after the other."""
    return map(Burst._make, _BURST.iter_unpack(packed))


def record(burst: Burst, now_s: float) -> wire.Record | None:
    """Return a burst as it is written in a report that is sent now; None if it is too old."""
    age_s = max(now_s - burst.at_s, 0.0)
    if age_s > _OLDEST_S:
        return None
    rtt_us, least_us = burst.rtt_us, burst.least_us
    if rtt_us != wire.LOST_US:
        # 0 would be no distance, and one record out of range has a whole report refused.
        rtt_us = min(max(rtt_us, 1), _LONGEST_US)
        least_us = min(max(least_us, 1), rtt_us)
    age_ms = round(age_s * 1000.0)
    return burst.key, rtt_us, least_us, age_ms, burst.sent, burst.lost, burst.method, 0
