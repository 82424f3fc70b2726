"""The service's cache, queue and intake without the service, and decisions made on the spot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scheduler.domain.cluster_events import ClusterEvent, Listed, PodChanged
from scheduler.domain.object_events import StorageChanged
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.workload import Pod
from scheduler.planning.plan import plan
from scheduler.service.grounds import grounds_of
from scheduler.service.hints import is_crowded_out
from scheduler.service.pod_columns import PodState
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import Stage
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, new_state
from scheduler.service.still_holds import still_holds
from telemetry.model import RttTable

NODES = ("n0", "n1", "n2")
APPS = ("web", "db")
NAMESPACES = ("default", "other")
OURS = SchedulerConfiguration().scheduler_name


@dataclass
class Bench:
    """Cache, queue and intake of the service, and decisions made where they stand.

    Nothing is flushed, so that a pod is tried again only where an event woke it.
    """

    now_s: float = 0.0
    uid: int = 0

    def __post_init__(self) -> None:
        settings = SchedulerConfiguration(queue=QueueSettings(flush_seconds=1e9))
        self.state = new_state(settings, Clock(lambda: self.now_s, lambda: self.now_s))
        self.state.cache.begin_listing()
        self.tell(Listed())

    def tell(self, event: ClusterEvent) -> None:
        """Have the service hear of something."""
        self.state.intake.apply(event, self.now_s, self.now_s)

    def measure(self, rtt: RttTable) -> None:
        """Have the service learn of RTTs."""
        self.state.intake.set_rtt(rtt, self.now_s, self.now_s)

    def create(self, pod: Pod, node: str = "") -> None:
        """Create a pod, under the name of none there is."""
        self.uid += 1
        named = replace(pod, name=f"{pod.name}-{self.uid}", uid=str(self.uid), created_s=self.now_s)
        self.tell(PodChanged(named, node, "Running" if node else "Pending", is_terminating=False))

    def settle(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Decide until nobody is up for decision; `meanwhile` happens during the first one."""
        for _ in range(50):
            self.now_s += 11.0  # longer than any backoff
            self.state.queue.wake(self.state.beliefs.look(self.now_s), self.now_s)
            batch = self.state.queue.take(self.now_s)
            if not batch:
                return
            self._decide(batch, meanwhile)
            meanwhile = None
        raise AssertionError("decisions go on for ever")

    def _decide(self, batch: Sequence[Pod], meanwhile: Callable[[], None] | None) -> None:
        state = self.state
        snapshot = state.cache.freeze(batch, self.now_s, state.intake.held())
        made = plan(snapshot, state.settings.placement)
        if meanwhile is not None:
            meanwhile()
        for assignment in made.assignments:
            pod, node = assignment.pod, assignment.node
            pods = state.cache.pods
            if not state.queue.is_current(pod) or not pods.is_pending(pod):
                state.queue.again(pod, self.now_s)
                state.queue.wake(pods.renounce(pod, node), self.now_s)
            elif not still_holds(assignment, snapshot, state.cache) or not (
                state.cache.storage.assume(assignment.volumes, node, pod.uid)
            ):
                state.queue.retry(pod, self.now_s)
                state.queue.wake(pods.renounce(pod, node), self.now_s)
            else:
                state.queue.wake(pods.assume(pod, node), self.now_s)
                state.queue.drop(pod.key)
                self._bind_volumes(assignment.volumes)
                self.tell(PodChanged(pod, node, "Running", is_terminating=False))
        for unplaced in made.unplaced:
            queued = state.queue.get(unplaced.pod.key)
            if queued is not None and state.queue.is_current(unplaced.pod):
                queued.refusal = unplaced.refusal
                state.queue.park(unplaced.pod, self.now_s)
            else:
                state.queue.again(unplaced.pod, self.now_s)

    def _bind_volumes(self, volumes: AssignedVolumes) -> None:
        """Have claims bound to the volumes chosen for them; others stay to be provisioned."""
        storage = self.state.cache.storage
        for key, name in volumes.bindings:
            claim, volume = storage.claims.get(key), storage.volumes.get(name)
            if claim is not None and volume is not None:
                bound = replace(claim, volume_name=name, is_bound=True, phase="Bound")
                self.tell(StorageChanged(replace(volume, phase="Bound")))
                self.tell(StorageChanged(bound))

    def sleepers(self) -> dict[str, str]:
        """Return pods that nothing woke and that would be placed now, and what they wait for.

        Of pods that stand in each other's way a decision may find no arrangement and, for one of
        them alone, a place: these are woken by whatever happens.
        """
        state, found = self.state, {}
        parked = [q for q in state.queue.entries() if q.stage is Stage.UNSCHEDULABLE]
        for queued in parked:
            if is_crowded_out(grounds_of(queued.pod, queued.refusal)):
                continue
            others = [pod for pod in state.intake.held() if pod.key != queued.pod.key]
            snapshot = state.cache.freeze([queued.pod], self.now_s, others)
            if plan(snapshot, state.settings.placement).assignments:
                found[queued.pod.key] = queued.refusal.message if queued.refusal else "?"
        return found

    def running(self) -> list[tuple[Pod, str, bool]]:
        """Return pods that are bound, with their nodes and whether they are terminating."""
        records = self.state.cache.pods.records.values()
        return [(r.pod, r.node, r.is_terminating) for r in records if r.state is PodState.BOUND]

    def pending(self) -> list[Pod]:
        """Return pods that wait."""
        records = self.state.cache.pods.records.values()
        return [r.pod for r in records if r.state is PodState.PENDING]
