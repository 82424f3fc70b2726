"""Which pods use which volumes: the assigned ones, and those they share nodes and claims with."""

from collections.abc import Iterator
from functools import cached_property

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.storage import Claim, PersistentVolumeClaim, Storage
from scheduler.domain.workload import Pod
from scheduler.planning.check.ledger import Decided


class Uses:
    """The volumes of assigned pods, by row, and of placed pods.

    `rows` are those of the decided pods that have a claim or a disk.
    """

    def __init__(self, snapshot: ClusterSnapshot, decided: Decided) -> None:
        self.snapshot, self.decided = snapshot, decided
        self.storage: Storage = snapshot.storage
        self.rows = [
            row for row, p in enumerate(decided.pods) if p.volumes.claims or p.volumes.disks
        ]

    def claims(self, pod: Pod) -> Iterator[tuple[Claim, PersistentVolumeClaim | None]]:
        """Yield the claims of a pod as it writes them, and as they are; None if they are not."""
        for claim in pod.volumes.claims:
            yield claim, self.storage.claims.get(f"{pod.namespace}/{claim.name}")

    def node_of(self, row: int) -> int:
        """Return the node of a decided pod."""
        return int(self.decided.node_of[row])

    @cached_property
    def placed(self) -> list[tuple[int, Pod]]:
        """The placed pods on nodes that exist which have a claim or a disk, and their nodes."""
        node_of = self.snapshot.placed.node_of
        found = (
            (int(node_of[row]), pod)
            for row, pod in enumerate(self.snapshot.placed.pods)
            if pod.volumes.claims or pod.volumes.disks
        )
        return [(node, pod) for node, pod in found if node >= 0]
