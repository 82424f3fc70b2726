"""What came of the death of a node, and of its return."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from tests.real.sightings import Sighting

BACKUP = "isochrone.dev/backup"
REPLACES = "isochrone.dev/replaces"
HOME = "isochrone.dev/home"


@dataclass(frozen=True, slots=True)
class Lost:
    """A pod that ran where a node died, and what it said of its backup by then."""

    uid: str
    app: str
    backup: str


@dataclass(frozen=True, slots=True)
class Phases:
    """How long each part of a repetition took, seconds."""

    unreachable_s: float
    """From the last heartbeat to the taint."""
    evicted_s: float
    """From the taint to the deletion of the last pod."""
    replaced_s: float
    """From there to the creation of the last replacement."""
    ready_s: float
    """From there until all are bound and ready."""
    returned_s: float
    """From the first heartbeat until the node has no taint."""
    settled_s: float
    """From there until there is what is asked for, and nothing else."""
    home_s: float
    """From there until all are where they were before."""

    @property
    def total_s(self) -> float:
        """All of it."""
        return float(sum(astuple(self)))


@dataclass(frozen=True, slots=True)
class Death:
    """A repetition. `faults` are sentences: what must not happen, whatever backups there were."""

    node: str
    lost: Sequence[Lost]
    replacements: Sequence[Sighting]
    phases: Phases
    faults: Sequence[str]
    unplaced: Sequence[str]
    """A sentence for each replacement that did not run before the node returned."""
    with_budget: frozenset[str]
    """Names of Deployments."""
    away: Sequence[str]
    """A sentence for each pod that did not come home."""

    @property
    def slowest_s(self) -> float:
        """The slowest binding of a replacement with a budget."""
        return max(self.binding_s, default=0.0)

    @property
    def binding_s(self) -> list[float]:
        """From the first sight of each replacement with a budget to that of its node, seconds."""
        return [r.bound_s - r.added_s for r in self.replacements if r.app in self.with_budget]

    @property
    def slowest_on_backup_s(self) -> float:
        """The slowest binding of a replacement of a pod that had a backup."""
        covered = {one.uid for one in self.covered}
        kept = (r for r in self.replacements if r.annotation(REPLACES) in covered)
        return max((r.bound_s - r.added_s for r in kept), default=0.0)

    @property
    def covered(self) -> list[Lost]:
        """Those with a budget and a backup."""
        return [one for one in self.lost if one.backup and one.app in self.with_budget]

    @property
    def uncovered(self) -> list[Lost]:
        """Those with a budget and no backup."""
        return [one for one in self.lost if not one.backup and one.app in self.with_budget]

    def unkept(self) -> list[str]:
        """Return a sentence for each backup of a budget that nobody's replacement was bound to.

        A replacement that names whom it replaces is held to that one; others of one Deployment are
        as good as each other.
        """
        left = Counter((r.annotation(REPLACES), r.app, r.node) for r in self.replacements)
        found = []
        for one in self.covered:
            keys = [(uid, one.app, one.backup) for uid in (one.uid, "")]
            key = next((key for key in keys if left[key]), None)
            if key is None:
                found.append(f"the backup of a pod of {one.app}, {one.backup}, was not used")
            else:
                left[key] -= 1
        return found
