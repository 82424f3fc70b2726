"""What the table of all pairs keeps, and for how long it is believed."""

from dataclasses import dataclass, field

from telemetry.stamps import MaxAges

DENSE_NODES = 5_000
"""Up to so many nodes every pair is kept: 200 MB. Above, rows of reference nodes."""

LAG_TICKS = 40
"""Twenty seconds: less than what is measured anew before a binding."""


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """For how long each origin is believed, and up to where every pair is kept.

    `lag_ticks` as `telemetry.dated.DatedRtt` has it.
    """

    max_ages: MaxAges = field(default_factory=MaxAges)
    dense_nodes: int = DENSE_NODES
    lag_ticks: int = LAG_TICKS
