"""What one node measured of others, in columns: an agent's report once it is believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredRow:
    """Pairs of one node, columns of shape ``(k,)``, no peer twice.

    Parameters
    ----------
    node
        Who measured.
    peers
        uint64, `telemetry.agent.wire.node_key` of each peer.
    rtt_us
        int32, the burst's median, microseconds; `UNKNOWN_US` for a burst that was lost whole.
    least_us
        int32, the burst's smallest, alike.
    age_ms
        uint32, how long ago, milliseconds.
    sent, lost
        uint8, packets of the burst.
    method
        uint8, place in `telemetry.agent.wire.METHODS`, from 1.
    """

    node: str
    peers: NDArray[np.uint64]
    rtt_us: NDArray[np.int32]
    least_us: NDArray[np.int32]
    age_ms: NDArray[np.uint32]
    sent: NDArray[np.uint8]
    lost: NDArray[np.uint8]
    method: NDArray[np.uint8]
