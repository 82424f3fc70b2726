"""What a source said of pairs of nodes, before it is a matrix.

A reading is one source's word on one directed pair. Only a reading that is a measurement carries a
number; everything else stays unknown, whatever digits the source wrote.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from telemetry.model import UNKNOWN_US


class Outcome(Enum):
    """What became of the measurement of a pair."""

    MEASURED = "measured"
    BELOW_RESOLUTION = "answered, but faster than the source can tell"
    FAILED = "the probe failed"
    NO_SAMPLES = "no probe in the window"
    DOUBTFUL = "in the range where the source cannot tell a failure from a distance"


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

    Raises
    ------
    ValueError
        If there is an RTT without a measurement, or the reverse.
    """

    measured_from: str
    measured_to: str
    outcome: Outcome
    rtt_us: int = UNKNOWN_US
    resolution_us: int = 1

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.MEASURED) != (self.rtt_us >= 0):
            raise ValueError("a reading has an RTT exactly when it was measured")


@dataclass(frozen=True, slots=True)
class Readings:
    """One answer of a source, or several joined.

    `silent` names the nodes that should have measured and did not answer. `unmapped` holds the
    addresses and labels that belong to no known node, so that a wrong mapping is seen.
    """

    pairs: tuple[PairReading, ...] = ()
    silent: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()


def joined(parts: Iterable[Readings]) -> Readings:
    """Return all of `parts` as one, names sorted and said once."""
    parts = list(parts)
    return Readings(
        tuple(pair for part in parts for pair in part.pairs),
        tuple(sorted({name for part in parts for name in part.silent})),
        tuple(sorted({name for part in parts for name in part.unmapped})),
    )
