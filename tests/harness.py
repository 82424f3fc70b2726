"""The true service over a cluster in memory, in virtual time. What it binds and says is recorded.

Mark tests with ``@pytest.mark.looptime``: then `settle` costs nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Self, TypeVar

from scheduler.domain.cluster_events import NodeChanged, NodeDeleted, PodChanged, PodDeleted
from scheduler.domain.node import Node
from scheduler.domain.ports import Leadership
from scheduler.domain.workload import Pod
from scheduler.service.cycle import Decider
from scheduler.service.logs import silent_logger
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, PlanFunction, new_state
from scheduler.service.zoning import ZoneFunction
from tests.memory import MemoryCluster, MemoryRtt
from tests.true_network import TrueNetwork

OURS = "custom-scheduler"
T = TypeVar("T")


async def in_place(work: Callable[[], T]) -> T:
    """Run work where it stands: virtual time does not pass in threads."""
    return work()


class Harness:
    """Runs the service; use ``async with``."""

    def __init__(
        self,
        plan: PlanFunction,
        settings: SchedulerConfiguration | None = None,
        zones: ZoneFunction | None = None,
        leadership: Leadership | None = None,
        cluster: MemoryCluster | None = None,
        network: TrueNetwork | None = None,
    ) -> None:
        now_s = asyncio.get_running_loop().time
        self.cluster, self.rtt = cluster or MemoryCluster(), MemoryRtt()
        self.state = new_state(settings or SchedulerConfiguration(), Clock(now_s, now_s))
        outside = Outside(self.cluster, self.rtt, leadership)
        if network is not None:
            beside = (network.feed.run,)
            outside = Outside(self.cluster, network.feed, leadership, network.prober, beside)
        decider = Decider(plan, self._run)
        self.runtime = Runtime(self.state, outside, decider, zones, silent_logger())
        self.meanwhile: Callable[[], object] | None = None
        self._uid = 0

    async def _run(self, work: Callable[[], T]) -> T:
        """Run work in place; then let happen, once, what a test wants to happen meanwhile."""
        made = work()
        if self.meanwhile is not None:
            happen, self.meanwhile = self.meanwhile, None
            happen()
            await self.settle(0.1)
        return made

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.runtime.run())
        await self.settle(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.runtime.stop()
        await self._task

    async def settle(self, seconds: float = 0.5) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def put_node(self, node: Node) -> None:
        """Add or change a node."""
        self.cluster.nodes[node.name] = node
        self.cluster.emit(NodeChanged(node))

    def delete_node(self, name: str) -> None:
        """Take a node away."""
        del self.cluster.nodes[name]
        self.cluster.emit(NodeDeleted(name))

    def put_pod(
        self,
        pod: Pod,
        *,
        scheduler: str = OURS,
        node: str = "",
        phase: str = "Pending",
        said: str = "",
        is_ready: bool = False,
    ) -> Pod:
        """Add a pod under a uid of its own, or change one that has a uid."""
        self._uid += 1
        pod = replace(pod, uid=pod.uid or f"uid-{self._uid}", scheduler_name=scheduler)
        event = PodChanged(pod, node, phase, is_terminating=False, said=said, is_ready=is_ready)
        self.cluster.pods[pod.key] = event
        self.cluster.emit(event)
        return pod

    def delete_pod(self, key: str) -> None:
        """Take a pod away."""
        gone = self.cluster.pods.pop(key)
        self.cluster.emit(PodDeleted(key, gone.pod.uid))

    @property
    def placement(self) -> dict[str, str]:
        """Pod name to node, of all bound pods."""
        return {p.pod.name: p.node for p in self.cluster.pods.values() if p.node}
