"""What the shell needs of the outside: small protocols, fulfilled by kube, files, simulator."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from scheduler.domain.cluster_events import ClusterEvent
from scheduler.domain.history import History
from scheduler.domain.placeholder import Placeholder
from scheduler.domain.reasons import Condition
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod
from telemetry.model import RttTable


@dataclass(frozen=True, slots=True)
class Binding:
    """A pod to be bound to a node. `annotations` travel on the Binding to the pod."""

    pod: Pod
    node: str
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PodNote:
    """An event about a pod.

    `condition` is the reason of the ``PodScheduled=False`` condition to be set with it, or empty;
    `has_condition` says that the pod has that condition already, so that its transition time stays.
    `at_s` is when it was noted, on the wall clock: a note written twice, because the first answer
    was lost, is one note.
    """

    pod: Pod
    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    condition: Literal[""] | Condition = ""
    has_condition: bool = False
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ServiceNote:
    """An event about the scheduler itself, such as a source of telemetry that went silent.

    `at_s` is when, on the wall clock.
    """

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    at_s: float


class Announcer(Protocol):
    """Writes events that concern no pod."""

    async def announce(self, note: ServiceNote) -> None:
        """Write an event about the scheduler.

        Raises
        ------
        SchedulerError
            If it is not written.
        """
        ...


class Cluster(Protocol):
    """The cluster as the service sees it."""

    def events(self) -> AsyncIterator[ClusterEvent]:
        """List everything, say `Listed`, then follow changes until cancelled."""
        ...

    async def list_anew(self) -> None:
        """Have everything told again as it is now; return when it was taken in."""
        ...

    async def bind(self, binding: Binding) -> None:
        """Bind a pod.

        Raises
        ------
        BindConflict
            If the cluster refuses: the pod is gone, bound already, or of another uid; nothing was
            done. As BindRefused, if the cluster does not allow it.
        ClusterUnavailable
            If the cluster does not answer; the outcome is not known.
        """
        ...

    async def note(self, note: PodNote) -> None:
        """Write an event (and condition)."""
        ...

    async def mark_backup(self, pod: Pod, backup: str) -> None:
        """Write on a bound pod which node is reserved for it now; the empty name for none.

        Nothing is done to a pod that is gone.

        Raises
        ------
        SchedulerError
            If it is not written.
        """
        ...

    async def evict(self, pod: Pod) -> None:
        """Have a bound pod leave its node, if its workload's disruption budgets allow it.

        Raises
        ------
        EvictionRefused
            If it stays: a budget does not allow it, it is gone, or the right is missing.
        ClusterUnavailable
            If there is no answer: it may be on its way out.
        """
        ...

    async def create_placeholder(self, placeholder: Placeholder) -> None:
        """Create a pod that holds room, on its node at once.

        Raises
        ------
        PlaceholderRefused
            If it is not created.
        ClusterUnavailable
            If there is no answer: it may be there.
        """
        ...

    async def delete_placeholder(self, pod: Pod) -> None:
        """Delete a placeholder at once, of this uid if one is given; done where it is gone.

        Raises
        ------
        PlaceholderRefused
            If it stays.
        ClusterUnavailable
            If there is no answer: it may be gone.
        """
        ...

    async def surge(self, pod: Pod) -> int:
        """Have a pod's Deployment make one more, if it surges; return how many it then wants.

        0 where nothing was done. The pod is the first to be removed once one less is wanted.

        Raises
        ------
        EvictionRefused
            If it is not done.
        ClusterUnavailable
            If there is no answer: it may be done.
        """
        ...

    async def end_surge(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Want one replica less, if as many are wanted as `surge` said; return whether.

        A pod that `stays` is no more the first to be removed; with 0 `replicas` that is all.

        Raises
        ------
        EvictionRefused, ClusterUnavailable
            As `surge`.
        """
        ...

    async def remove_pod(self, pod: Pod) -> None:
        """Remove a pod without its kubelet's word.

        Nothing is done to a pod that is gone, or to a later one of that name.

        Raises
        ------
        SchedulerError
            If it is not removed.
        """
        ...

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put `OUT_OF_SERVICE` on a node, unless it is out of service already; or take it off.

        Raises
        ------
        SchedulerError
            If it is not written, for one because the node changed meanwhile.
        """
        ...

    async def reserve_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume, as it was last told, for a claim; return the volume's new version.

        Raises
        ------
        VolumeRefused
            If the volume changed since, or the cluster does not allow it; nothing was done.
        ClusterUnavailable
            If the cluster does not answer; the outcome is not known.
        """
        ...

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Have a claim, as it was last told, provisioned for a node; return its new version.

        Raises
        ------
        VolumeRefused, ClusterUnavailable
            As for `reserve_volume`.
        """
        ...


class RttSource(Protocol):
    """Where RTT tables come from."""

    def tables(self) -> AsyncIterator[RttTable]:
        """Yield the first table, then each newer one, until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Interest:
    """What decisions depend on, for who chooses what is measured.

    Parameters
    ----------
    references
        Names of the nodes that delays are measured from.
    near
        By reference, the nodes on which a budget of a running pod hangs.
    dead
        Nodes believed dead: what was last measured of them stays.
    zone_of
        Number of each node's zone, for what is known of zones where not every pair can be kept.
    """

    references: frozenset[str] = frozenset()
    near: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    zone_of: Mapping[str, int] = field(default_factory=dict)


class Prober(History, Protocol):
    """Measures on demand, and remembers what it measured of the pairs that matter."""

    def focus(self, interest: Interest) -> None:
        """Say what decisions depend on now."""
        ...

    def can_probe(self, reference: str, nodes: Sequence[str] | None) -> bool:
        """Whether the pairs from a reference to nodes, to all for None, can be measured now."""
        ...

    def silent_agents(self) -> frozenset[str]:
        """Return the nodes whose own agent should report and does not."""
        ...

    async def probe(self, reference: str, nodes: Sequence[str] | None) -> bool:
        """Measure them. True once all were tried and the RTT table that says so was taken over."""
        ...


class Leadership(Protocol):
    """One of several replicas leads; only the leader acts."""

    @property
    def is_leading(self) -> bool:
        """Whether we may act, judged anew each time."""
        ...

    @property
    def holder(self) -> str:
        """Who leads as far as is known, or the empty text."""
        ...

    @property
    def is_held_by_another(self) -> bool:
        """Whether another leads as far as is known, or did when it was last heard of."""
        ...

    async def campaign(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Wait for leadership, run `prepare`, lead; return when leadership is lost."""
        ...

    async def release(self) -> None:
        """Give leadership up, so that another need not wait."""
        ...
