"""The frozen output of one decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.domain.cover import CoverPlan
from scheduler.domain.delay import DelayConstraint
from scheduler.domain.reasons import Refusal
from scheduler.domain.workload import Labels, Pod


@dataclass(frozen=True, slots=True)
class Measured:
    """One delay of a pod as it stands at its node: the deciding reference node and the RTT.

    For ``any`` the nearest reference, for ``all`` the farthest. `rtt_us` is `UNKNOWN_US` for a soft
    delay nobody measured.
    """

    constraint: DelayConstraint
    reference_node: str
    rtt_us: int

    @property
    def holds(self) -> bool:
        """Whether the measured RTT is within the budget."""
        return 0 <= self.rtt_us <= self.constraint.within_us


@dataclass(frozen=True, slots=True)
class AssignedVolumes:
    """What has to become of a pod's unbound claims before the pod is bound.

    `bindings` pair the key of a claim with the volume chosen for it; `provisions` are keys of
    claims to be provisioned for the node. Claims that are bound need nothing.
    """

    bindings: tuple[tuple[str, str], ...] = ()
    provisions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.bindings or self.provisions)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A pod and the node it goes to.

    `backup` is the node reserved for it there for the day its own dies, or empty. `replaces` is the
    uid of a lost pod whose reserved place it takes, or empty; `marks` are annotations it takes over
    from that one.
    """

    pod: Pod
    node: str
    measured: tuple[Measured, ...] = ()
    notes: tuple[str, ...] = ()
    volumes: AssignedVolumes = AssignedVolumes()
    backup: str = ""
    replaces: str = ""
    marks: Labels = ()


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A pod that waits, and why."""

    pod: Pod
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class CoverStats:
    """Figures of the cover that a plan leaves.

    `wanting` counts the pods that are to be covered, placed or not, and `covered` those that are.
    `most` is a proven upper bound on how many can be; `reserve` the sum of all reserves, resource
    by resource, and `least` a proven lower bound on it for as many covered pods; empty and None
    where nothing was proven. `steps` counts the rounds of search.
    """

    wanting: int = 0
    covered: int = 0
    most: int | None = None
    reserve: Mapping[str, int] = field(default_factory=dict)
    least: Mapping[str, int] = field(default_factory=dict)
    is_optimal: bool = False
    steps: int = 0


@dataclass(frozen=True, slots=True)
class PlanStats:
    """Figures of one decision; counts of work, never of seconds.

    `cost` is the plan's objective in cost units (one unit = 1 µs of RTT), `bound` a proven lower
    bound on it for the number of pods placed; `is_optimal` says that they meet within tolerance.
    With cover, `cost` is that of the nodes alone and nothing is proven of it.
    """

    pending: int = 0
    placed: int = 0
    classes: int = 0
    arcs: int = 0
    rounds: int = 0
    cost: int = 0
    bound: int = 0
    is_optimal: bool = False
    method: str = ""
    cover: CoverStats = CoverStats()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. `is_truncated` when the shell cut the decision short."""

    assignments: tuple[Assignment, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    stats: PlanStats = field(default_factory=PlanStats)
    is_truncated: bool = False
    cover: CoverPlan = field(default_factory=CoverPlan)

    @property
    def placement(self) -> Mapping[str, str]:
        """Pod key to node name."""
        return {a.pod.key: a.node for a in self.assignments}
