"""How hard the offline `plan` searches for small reserves."""

from dataclasses import dataclass

from scheduler.reliability.cover.settings import CoverEffortSettings


@dataclass(frozen=True, slots=True)
class Effort:
    """Work, and the seconds of the whole process after which the search is cut short all the same.

    Where the clock cuts, the plan says so; on a machine that is not several times slower than the
    one these were measured on, the work ends first, and the same input gives the same bytes.
    """

    cover: CoverEffortSettings
    seconds: float


_DEFAULT = CoverEffortSettings(
    search=100_000, bound_columns=5_000, exact_nodes=50, covers_running=True
)
_HIGH = CoverEffortSettings(
    search=900_000, bound_columns=25_000, exact_nodes=200, covers_running=True
)

DEFAULT = "default"
EFFORTS = {DEFAULT: Effort(_DEFAULT, 7.5), "high": Effort(_HIGH, 40.0)}
