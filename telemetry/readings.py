"""What a source said of pairs of nodes, before it is a matrix.

A reading is one source's word on one directed pair. Only a reading that is a measurement carries a
number; everything else stays unknown, whatever digits the source wrote.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from telemetry.model import MAX_RTT_US, UNKNOWN_US


class Outcome(Enum):
    """What became of the measurement of a pair."""

    MEASURED = "measured"
    BELOW_RESOLUTION = "answered, but faster than the source can tell"
    FAILED = "the probe failed"
    NO_SAMPLES = "no probe in the window"
    DOUBTFUL = "in the range where the source cannot tell a failure from a distance"


class Timed(Enum):
    """What the number of a reading is the time of."""

    ROUND_TRIP = "a round trip"
    REQUEST = "an HTTP request: a round trip, and the time of the answer on top"
    REQUEST_OR_TWO = "an HTTP request that may have been two round trips"
    HALF_REQUEST = "half of an HTTP request of two round trips"


HTTP_FLOOR_US = 5_000
"""What a request is never read as being faster than: its own time (1 to 4 ms, measured) is larger
than such a distance, and below it a mean cannot tell a near node from a refused connection."""


@dataclass(frozen=True, slots=True)
class PairReading:
    """One directed pair as one source read it.

    Parameters
    ----------
    measured_from, measured_to
        Node names.
    outcome
        Whether there is a measurement, and why not.
    rtt_us
        Microseconds for `Outcome.MEASURED`, else `UNKNOWN_US`.
    resolution_us
        The step in which the source counts. A pair `Outcome.BELOW_RESOLUTION` took less than this.
    timed
        What was timed. Whatever it is, the RTT is not above the number.

    Raises
    ------
    ValueError
        If there is an RTT without a measurement, or the reverse; or if an HTTP time is below
        `HTTP_FLOOR_US`.
    """

    measured_from: str
    measured_to: str
    outcome: Outcome
    rtt_us: int = UNKNOWN_US
    resolution_us: int = 1
    timed: Timed = Timed.ROUND_TRIP

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.MEASURED) != (self.rtt_us >= 0):
            raise ValueError("a reading has an RTT exactly when it was measured")
        if self.timed is not Timed.ROUND_TRIP and 0 <= self.rtt_us < HTTP_FLOOR_US:
            raise ValueError(f"{self.rtt_us} us cannot be told by an HTTP request")


@dataclass(frozen=True, slots=True)
class Readings:
    """One answer of a source, or several joined.

    Parameters
    ----------
    pairs
        In any order.
    silent
        Nodes that should have measured and did not answer.
    unmapped
        Addresses and labels that belong to no known node, so that a wrong mapping is seen.
    age_s
        How old what is said may be when it is said, seconds: the window of a mean, the interval of
        a source that gives its latest.
    notes
        What people should know of this answer, whole sentences without a full stop.
    """

    pairs: tuple[PairReading, ...] = ()
    silent: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    age_s: float = 0.0
    notes: tuple[str, ...] = ()


def joined(parts: Iterable[Readings]) -> Readings:
    """Return all of `parts` as one, names sorted and said once, as old as the oldest."""
    parts = list(parts)
    return Readings(
        tuple(pair for part in parts for pair in part.pairs),
        tuple(sorted({name for part in parts for name in part.silent})),
        tuple(sorted({name for part in parts for name in part.unmapped})),
        max((part.age_s for part in parts), default=0.0),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


_TELLING = {Outcome.MEASURED: 2, Outcome.BELOW_RESOLUTION: 1}


def settled(pairs: Iterable[PairReading]) -> tuple[PairReading, ...]:
    """Return one reading a directed pair: the largest measurement, else the most telling.

    A pod that came back with another address has two series for a while, and two pods may answer
    for one node.
    """
    kept: dict[tuple[str, str], PairReading] = {}
    for pair in pairs:
        key = (pair.measured_from, pair.measured_to)
        other = kept.get(key)
        if other is None or _weight(pair) > _weight(other):
            kept[key] = pair
    return tuple(kept.values())


def _weight(pair: PairReading) -> tuple[int, int]:
    return _TELLING.get(pair.outcome, 0), pair.rtt_us


def by_row(
    readings: Readings, index: Mapping[str, int]
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Return what readings say in numbers: by the row of who measured, columns and RTTs.

    A pair that answered faster than its source can tell counts as the source's resolution, which it
    did not exceed. Of two series of one pair (a pod came back with another address) the larger
    counts. Nodes that are not in `index` are left out.
    """
    rows: dict[int, dict[int, int]] = {}
    for pair in readings.pairs:
        i, j = index.get(pair.measured_from), index.get(pair.measured_to)
        is_fast = pair.outcome is Outcome.BELOW_RESOLUTION
        rtt_us = pair.resolution_us if is_fast else pair.rtt_us
        if i is None or j is None or i == j or not 0 < rtt_us <= MAX_RTT_US:
            continue
        row = rows.setdefault(i, {})
        row[j] = max(row.get(j, 0), rtt_us)
    return {
        i: (np.array(list(row), dtype=np.int64), np.array(list(row.values()), dtype=np.int32))
        for i, row in rows.items()
    }
