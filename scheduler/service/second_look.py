"""A second look at a plan, where the cluster changed while it was made.

A pod that others placed or took away meanwhile may break what the plan's pods ask of other pods,
and so may a pod of the plan that cannot go where it was to go: with replicas spread evenly, the
others no longer are. kube-scheduler judges by its snapshot alone; but it decides on one pod at a
time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.planning.check import violations
from scheduler.service.state import Runner, ServiceState
from scheduler.service.still_holds import still_holds

TRIES = 3
"""Looks at one plan: where pods come and go all the time the last one has to do."""


@dataclass(slots=True)
class SecondLook:
    """Judges plans by what the cache knows when they are made.

    `freeze` makes a snapshot in which some pods are pending.
    """

    state: ServiceState
    runner: Runner
    freeze: Callable[[Sequence[Pod]], ClusterSnapshot]
    _seen: int = 0

    def note(self) -> None:
        """Take note that a snapshot is made now."""
        self._seen = self.state.cache.pods.changes

    async def is_right(self, plan: Plan, snapshot: ClusterSnapshot) -> bool:
        """Whether what can still be carried out of a plan keeps all rules by what is known now.

        What nobody asked for, or a second place for a pod, is not carried out.
        """
        pods = self.state.cache.pods
        asked = {pod.key for pod in snapshot.pending}
        left = list(
            {a.pod.key: a for a in reversed(plan.assignments) if a.pod.key in asked}.values()
        )
        for _ in range(TRIES):
            seen = pods.changes
            kept = [a for a in left if self._is_current(a, snapshot)]
            if seen == self._seen and len(kept) == len(left):
                return True
            left = kept
            now = replace(self.freeze([a.pod for a in kept]), rtt=snapshot.rtt)
            may_overflow = self.state.settings.placement.cloud.overflow == "allow"
            # Backups are looked after apart, all the time (`scheduler.service.cover_keeper`).
            bare = tuple(replace(a, backup="") for a in kept)
            judge = partial(violations, now, Plan(bare), may_overflow=may_overflow)
            if await self.runner(judge):
                return False
            self._seen = seen
        return True

    def _is_current(self, assignment: Assignment, snapshot: ClusterSnapshot) -> bool:
        state, pod = self.state, assignment.pod
        is_waiting = state.queue.is_current(pod) and state.cache.pods.is_pending(pod)
        return is_waiting and still_holds(assignment, snapshot, state.cache)
