"""A few packets to one peer, and what came of them."""

from typing import NamedTuple


class Burst(NamedTuple):
    """What a burst to a peer found.

    `rtt_us` is the median of what was answered (of two middle ones the larger: never a shorter
    distance than was seen), `least_us` the smallest; both are `wire.LOST_US` where nothing was
    answered. Of `sent` packets `lost` were not answered in time. `method` is a place in
    `wire.METHODS`, from 1. `at_s` is when the burst *began*, in the loop's time.
    """

    key: int
    rtt_us: int
    least_us: int
    sent: int
    lost: int
    method: int
    at_s: float
