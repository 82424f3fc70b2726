"""A few packets to one peer, and what came of them."""

from telemetry.agent.typed import NamedTuple

PACKETS = 3
"""Of a burst."""
GAP_S = 0.02
"""Between them, at least."""
TIMEOUT_S = 1.0
"""A packet that is not answered by then is lost; its time is never a value."""


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
