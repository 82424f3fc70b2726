"""Moves that make before they break: the successor is ready before its pod leaves.

The Deployment is asked for one replica more, the successor is bound to the place kept for it, and
when it is ready one replica less is asked for: the ReplicaSet removes the pod that is marked for
it. How many are asked for meanwhile stands on the pod: whoever leads next goes on from there.
"""

from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cover import SURGE_ANNOTATION
from scheduler.domain.errors import ClusterUnavailable, EvictionRefused
from scheduler.domain.ports import Cluster
from scheduler.domain.workload import Pod
from scheduler.service.pod_columns import PodRecord, PodState
from scheduler.service.state import ServiceState

_RETRY_S = 5.0
_REMOVED_S = 30.0
"""Within so long a ReplicaSet removes a pod that is one too many, and the watch tells of it."""


@dataclass(slots=True)
class _Surge:
    pod: Pod
    replicas: int
    since_s: float
    tried_s: float = float("-inf")
    ended_s: float | None = None


class Surges:
    """Those under way."""

    def __init__(
        self, state: ServiceState, cluster: Cluster, longest_s: float, log: FilteringBoundLogger
    ) -> None:
        self._state, self._cluster, self._log = state, cluster, log
        self._longest_s = longest_s
        self._under_way: dict[str, _Surge] = {}
        self._over: set[str] = set()
        self._has_looked = False

    def pods(self) -> list[Pod]:
        """Return the pods that leave once their successors are ready."""
        return [surge.pod for surge in self._under_way.values()]

    async def begin(self, pod: Pod) -> bool:
        """Ask for one replica more than a pod's Deployment has; return whether it surges.

        Raises
        ------
        EvictionRefused, ClusterUnavailable
            As `Cluster.surge`.
        """
        replicas = await self._cluster.surge(pod)
        if replicas:
            now_s = self._state.clock.now_s()
            self._under_way[pod.uid] = _Surge(pod, replicas, now_s)
        return replicas > 0

    async def look(self, *, is_used: bool) -> list[Pod]:
        """Take surplus replicas back where it is time; return pods that stay, their time over.

        Where it is not used (any more), what was begun before is ended all the same.
        """
        if self._has_looked and not (is_used or self._under_way):
            return []
        self._has_looked = True
        now_s = self._state.clock.now_s()
        successors = self._resume(now_s)
        stay = []
        for surge in list(self._under_way.values()):
            record = self._state.cache.pods.get(surge.pod.key)
            is_there = record is not None and record.pod.uid == surge.pod.uid
            is_gone = not is_there or (record is not None and record.is_terminating)
            if surge.ended_s is not None:
                if is_gone:
                    del self._under_way[surge.pod.uid]
                elif now_s - surge.ended_s > _REMOVED_S and await self._end(surge, stays=True):
                    self._drop(surge)  # another was removed in its place
                continue
            successor = successors.get(surge.pod.uid)
            is_done = is_gone or (successor is not None and successor.is_ready)
            is_late = now_s - surge.since_s > self._longest_s
            if (is_done or is_late) and now_s - surge.tried_s >= _RETRY_S:
                surge.tried_s = now_s
                if await self._end(surge, stays=not is_done) and not is_done:
                    self._drop(surge)
                    stay.append(surge.pod)
        return stay

    def _drop(self, surge: _Surge) -> None:
        """Forget one whose pod stays; its mark may be told of for a moment longer."""
        del self._under_way[surge.pod.uid]
        self._over.add(surge.pod.uid)

    async def _end(self, surge: _Surge, *, stays: bool) -> bool:
        """Take a surplus replica back, once, or the mark of a pod that stays; return whether."""
        replicas = surge.replicas if surge.ended_s is None else 0
        try:
            await self._cluster.end_surge(surge.pod, replicas, stays=stays)
        except (EvictionRefused, ClusterUnavailable) as error:
            self._log.warning("move.unfinished", pod=surge.pod.key, error=str(error))
            return False
        surge.ended_s = self._state.clock.now_s()
        return True

    def _resume(self, now_s: float) -> dict[str, PodRecord]:
        """Take over what another leader began; return bound successors by whom they replace."""
        successors: dict[str, PodRecord] = {}
        for record in self._state.cache.pods.records.values():
            pod = record.pod
            if record.replaces and record.state is PodState.BOUND:
                successors[record.replaces] = record
            is_marked = pod.surge.isascii() and pod.surge.isdigit()
            if not is_marked:
                self._over.discard(pod.uid)
                continue
            is_known = pod.uid in self._under_way or pod.uid in self._over
            if not is_known and not record.is_terminating:
                self._log.info("move.resumed", pod=pod.key, mark=SURGE_ANNOTATION)
                self._under_way[pod.uid] = _Surge(pod, int(pod.surge), now_s)
        return successors
