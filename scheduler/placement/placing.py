"""What a decision has placed so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scheduler.domain.workload import PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.between.rules import Rules
from scheduler.placement.packing.problem import Ints


@dataclass(slots=True)
class Placing:
    """What this decision has placed so far: node and name of pods by class, and the room left.

    `rules` are kept in step with it. Of the room that is not free, `reserved`, of shape ``(n, r)``,
    is kept for failures to come, `promised` for lost pods that nobody replaces yet, and `owed` for
    pods of the decision that could not have the places reserved for them so far. `replaces` has the
    uids of the lost pods that the first pods of a class take the reserved places of, by the class's
    number.
    """

    pods: dict[PodClass, list[tuple[int, str]]]
    free: Ints
    rules: Rules
    reserved: Ints | None = None
    promised: Ints | None = None
    owed: Ints | None = None
    replaces: dict[int, list[str]] = field(default_factory=dict)

    def put(self, pending: PendingClass, nodes: Sequence[int]) -> None:
        """Place the next pods of a class on `nodes`, in queue order."""
        done = self.pods.setdefault(pending.pod_class, [])
        for node in nodes:
            done.append((node, pending.pods[len(done)].name))
            self.free[node] -= pending.demand
        self.rules.placed(pending.number, nodes)

    def take_back(self, pending: PendingClass, index: int) -> None:
        """Take one pod of a class away again; its fellows move up to the pods before them."""
        nodes = [node for node, _ in self.pods[pending.pod_class]]
        node = nodes.pop(index)
        self.free[node] += pending.demand
        self.rules.placed(pending.number, [node], -1)
        chosen = self.rules.chosen.get(pending.number)
        if chosen is not None:
            del chosen[index]
        names = [pod.name for pod in pending.pods]
        self.pods[pending.pod_class] = list(zip(nodes, names, strict=False))

    @property
    def kept(self) -> Ints | None:
        """All room that is kept for failures, shape ``(n, r)``; None where none is."""
        parts = [part for part in (self.reserved, self.promised, self.owed) if part is not None]
        return sum(parts[1:], parts[0]) if parts else None

    def put_elsewhere(self, pending: PendingClass, nodes: Sequence[int]) -> None:
        """Have the first pods of a class on other nodes, and its other pods nowhere."""
        old = [node for node, _ in self.pods.pop(pending.pod_class, [])]
        for node in old:
            self.free[node] += pending.demand
        self.rules.placed(pending.number, old, -1)
        if nodes:
            self.put(pending, nodes)

    def left(self, pending: PendingClass) -> int:
        """Return how many pods of a class are not placed yet."""
        return len(pending.pods) - len(self.pods.get(pending.pod_class, ()))


def nothing_placed(batch: Batch) -> Placing:
    """Return where a decision starts."""
    kept, free = batch.kept, batch.free.copy()
    if kept is None:
        return Placing({}, free, batch.rules)
    return Placing({}, free, batch.rules, kept.reserved, kept.promised)
