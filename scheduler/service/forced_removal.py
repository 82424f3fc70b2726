"""Frees pods that are stuck on silent nodes, where the settings ask for it and we are sure enough.

By removing pods that are terminating, or by putting their node out of service. Only while this
replica leads, nothing may have been missed, and we ourselves are not suspect.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Cluster
from scheduler.domain.workload import Pod
from scheduler.reliability.failover.forcing import (
    is_out_by_us,
    is_out_of_service,
    is_re_created,
    silent_nodes,
)
from scheduler.service.looking import Looking
from scheduler.service.state import ServiceState

LOOK_S = 1.0
AGAIN_S = 15.0
"""After a write, until it is tried again where the cluster does not show its effect."""

_MINUTE_S = 60.0
_IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class _Act:
    """Something to be done: to what, how, on which node, and what is said of it then."""

    what: str
    do: Callable[[], Awaitable[None]]
    node: str
    said: str
    result: str
    is_forced: bool = True


class ForcedRemoval:
    """Looks once a second."""

    def __init__(self, state: ServiceState, cluster: Cluster, log: FilteringBoundLogger) -> None:
        self._state, self._cluster, self._log = state, cluster, log
        self._settings = state.settings.failover
        self._not_before_s: dict[str, float] = {}
        self._forced_s: deque[float] = deque()
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, 0.0)
        await looking.run(self._may_look, self._log, "forced.look_failed")

    def _may_look(self) -> bool:
        return self._state.cache.is_synced and self.is_leading

    async def _look(self) -> float:
        now_s = self._state.clock.now_s()
        self._not_before_s = {k: at_s for k, at_s in self._not_before_s.items() if at_s > now_s}
        acts = [act for act in self._acts(now_s) if act.what not in self._not_before_s]
        for start in range(0, len(acts), _IN_FLIGHT):
            await asyncio.gather(*map(self._carry_out, acts[start : start + _IN_FLIGHT]))
        return 0.0

    def _acts(self, now_s: float) -> Iterator[_Act]:
        """Yield what there is to be done: first what gives nodes back."""
        if self._settings.force_delete == "outOfService":
            yield from self._returns()
        for node in sorted(self._silent(now_s)):
            stuck = self._stuck(node)
            if self._settings.force_delete == "delete":
                yield from (self._removal(pod, node) for pod in stuck)
            elif self._is_to_leave_service(node) and stuck:
                yield self._leaving(node)

    def _silent(self, now_s: float) -> frozenset[str]:
        """Return the nodes whose pods may be freed now; none while we are suspect."""
        beliefs = self._state.beliefs
        if beliefs.is_suspect:
            return frozenset()
        return silent_nodes(beliefs.belief.dead, self._settings.force_after_seconds, now_s)

    def _stuck(self, node: str) -> list[Pod]:
        """Return pods of ours on a node that others will take the place of.

        To be removed, they must be terminating: until then Kubernetes gives them time to return.
        """
        ours, must_end = (
            self._state.settings.scheduler_name,
            self._settings.force_delete == "delete",
        )
        found = [
            record.pod
            for record in self._state.cache.pods.on(node)
            if record.pod.scheduler_name == ours
            and is_re_created(record.pod)
            and (record.is_terminating or not must_end)
        ]
        return sorted(found, key=lambda pod: (pod.created_s, pod.key))

    def _is_to_leave_service(self, name: str) -> bool:
        node = self._state.cache.node(name)
        return node is not None and not is_out_of_service(node)

    def _removal(self, pod: Pod, node: str) -> _Act:
        said = f"{pod.key} removed by force: {node} is silent and the pod was to end"
        return _Act(pod.uid, lambda: self._cluster.remove_pod(pod), node, said, "pod_removed")

    def _leaving(self, node: str) -> _Act:
        async def leave() -> None:
            await self._cluster.set_out_of_service(node, is_out=True)

        said = f"node {node} put out of service: it is silent, and its pods are to run elsewhere"
        return _Act(f"out {node}", leave, node, said, "node_tainted")

    def _returns(self) -> Iterator[_Act]:
        """Yield the nodes that we put out of service and that live again."""
        dead = self._state.beliefs.belief.dead
        for node in self._state.cache.nodes:
            if is_out_by_us(node) and node.name not in dead:
                yield self._return(node.name)

    def _return(self, node: str) -> _Act:
        async def back() -> None:
            await self._cluster.set_out_of_service(node, is_out=False)

        said = f"node {node} is in service again: it is back"
        return _Act(f"back {node}", back, node, said, "node_cleared", is_forced=False)

    async def _carry_out(self, act: _Act) -> None:
        """Do it if it may still be done, and say so."""
        state, now_s = self._state, self._state.clock.now_s()
        if not self._may_look() or (act.is_forced and not self._may_force(act.node, now_s)):
            return
        self._not_before_s[act.what] = now_s + AGAIN_S
        try:
            await act.do()
        except Exception as error:  # noqa: BLE001 - tried again as long as there is reason to
            self._log.warning("forced.failed", what=act.said, why=str(error))
            state.metrics.count_forced("failed")
            return
        self._log.warning("forced.done", what=act.said)
        state.journal.add(state.clock.wall_s(), "warning", act.said)
        state.metrics.count_forced(act.result)

    def _may_force(self, node: str, now_s: float) -> bool:
        """Whether a node is silent still, and fewer were forced within a minute than may be."""
        while self._forced_s and now_s - self._forced_s[0] >= _MINUTE_S:
            self._forced_s.popleft()
        is_due = len(self._forced_s) < self._settings.deletions_per_minute
        if is_due and node in self._silent(now_s):
            self._forced_s.append(now_s)
            return True
        return False
