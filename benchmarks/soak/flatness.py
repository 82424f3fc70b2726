"""Whether a series stays flat: a straight line is fitted to its floor, and its rise is judged.

The criterion, fixed before the run. The first third of a soak is warm-up and left out. Of the rest,
the floor is the least of every twelfth: what swings, as a queue does, comes down to its floor again
and again; what leaks does not. A least-squares line through the floor may rise, over all of the two
thirds, by no more than the greatest of

* a share of the mean and
* a slack, both as `Unit` says for what is counted, and
* for entries of tables alone, twice the floor's standard deviation about the line: a table that is
  emptied now and then has a line that rises or falls by where in its turn the samples begin.

Nothing else is granted: no table has a limit of its own, and what grows with the number of pods,
nodes or rollouts ever seen is a leak, however far its bound. A series that leaks has its rise, and
next to no scatter about its line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

SCATTERS = 2.0
"""Standard deviations of a table's floor about its line that a rise may have by chance. Of
independent values it has 3.5 divided by the square root of their number, here 1; but swings of a
cluster last, and what follows each other is alike."""

_FLOORS, _LEAST_A_FLOOR = 12, 3


class Unit(Enum):
    """What a series counts, and the rise that it is granted.

    `share` is of the mean; `slack` is in the series' own unit, and lets a small number rise by
    chance: a table of three entries has four when something has happened for the first time.
    `scatters` is as many standard deviations of the floor as are granted too.
    """

    BYTES = (0.05, 1e6, 0.0)
    """Of memory: allocators keep pages back, so that it may rise for a while."""

    OBJECTS = (0.03, 1_000.0, 0.0)
    """Of Python's heap, counted after a collection."""

    HANDLES = (0.05, 5.0, 0.0)
    """Open files and tasks: five are the connections and requests that a moment may have open."""

    ENTRIES = (0.05, 5.0, SCATTERS)
    """Of a table."""

    @property
    def share(self) -> float:
        """Of the mean."""
        return self.value[0]

    @property
    def slack(self) -> float:
        """In the unit."""
        return self.value[1]

    @property
    def scatters(self) -> float:
        """In standard deviations of the floor."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Fit:
    """A series and the line through its floor.

    `rise` is the line's, from the first sample to the last; `granted` the most that is none.
    """

    name: str
    mean: float
    least: float
    most: float
    rise: float
    granted: float

    @property
    def is_flat(self) -> bool:
        """Whether the series does not rise. One that falls leaks nothing."""
        return self.rise <= self.granted


def fit(name: str, unit: Unit, at_s: Sequence[float], values: Sequence[float]) -> Fit:
    """Fit a line to the floor of a series, and judge how far it may rise.

    Parameters
    ----------
    name, unit
        Of the series.
    at_s
        When each sample was taken, seconds; ascending, at least six.
    values
        The samples.
    """
    times, found = np.asarray(at_s, dtype=float), np.asarray(values, dtype=float)
    parts = max(2, min(_FLOORS, len(found) // _LEAST_A_FLOOR))
    middles = np.array([part.mean() for part in np.array_split(times, parts)]) - times[0]
    floor = np.array([part.min() for part in np.array_split(found, parts)])
    slope, start = np.polyfit(middles, floor, 1)
    scatter = float(np.std(floor - (start + slope * middles)))
    mean = float(found.mean())
    granted = max(unit.share * abs(mean), unit.scatters * scatter, unit.slack)
    rise = float(slope * (times[-1] - times[0]))
    return Fit(name, mean, float(found.min()), float(found.max()), rise, granted)
