"""What a decision has placed so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.domain.workload import PodClass
from scheduler.placement.batch import PendingClass
from scheduler.placement.problem import Ints


@dataclass(slots=True)
class Placing:
    """What this decision has placed so far: node and name of pods by class, and the room left."""

    pods: dict[PodClass, list[tuple[int, str]]]
    free: Ints

    def put(self, pending: PendingClass, nodes: Sequence[int]) -> None:
        """Place the next pods of a class on `nodes`, in queue order."""
        done = self.pods.setdefault(pending.pod_class, [])
        for node in nodes:
            done.append((node, pending.pods[len(done)].name))
            self.free[node] -= pending.demand

    def left(self, pending: PendingClass) -> int:
        """Return how many pods of a class are not placed yet."""
        return len(pending.pods) - len(self.pods.get(pending.pod_class, ()))
