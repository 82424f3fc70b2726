"""Backups of placed pods, kept in step with the rows of the nodes they are on."""

from collections import Counter
from collections.abc import Mapping

from scheduler.service.pod_columns import NO_NODE, NOT_PLACED, PodColumns, PodRecord


class Backings:
    """Which placed pod has its backup on which node, and which lost pods have been replaced.

    Parameters
    ----------
    placed
        The columns to keep in step.
    rows
        Row of each node by name.
    """

    def __init__(self, placed: PodColumns, rows: Mapping[str, int]) -> None:
        self._placed, self._rows = placed, rows
        self._at: dict[str, set[PodRecord]] = {}
        self._replaced: Counter[str] = Counter()
        self.changes = 0
        """Counts the backups that changed while their pods stayed."""

    def join(self, record: PodRecord) -> None:
        """Take note of a pod that was placed."""
        if record.backup:
            self._at.setdefault(record.backup, set()).add(record)
            self._placed.back(record, self._rows.get(record.backup, NO_NODE))
        if record.replaces:
            self._replaced[record.replaces] += 1
            self._placed.replaced = frozenset(self._replaced)

    def leave(self, record: PodRecord) -> None:
        """Take note of a pod that leaves its node; its row is still there."""
        if record.backup:
            pods = self._at[record.backup]
            pods.discard(record)
            if not pods:
                del self._at[record.backup]
        if record.replaces:
            self._replaced[record.replaces] -= 1
            self._replaced += Counter()
            self._placed.replaced = frozenset(self._replaced)

    def change(self, record: PodRecord, backup: str) -> None:
        """Give a placed pod another backup, or none for the empty name."""
        self.changes += 1
        replaces, record.replaces = record.replaces, ""
        self.leave(record)
        record.backup = backup
        self._placed.back(record, NO_NODE)
        self.join(record)
        record.replaces = replaces

    def learn(self, record: PodRecord) -> str:
        """Take over what the cluster says of a bound pod's backup; return the one it had before.

        Empty where it had none, or has it still.
        """
        pod = record.pod
        said = pod.backup, pod.replaces
        if said == record.said:
            return ""  # what we changed since stands
        record.said = said
        before = record.backup
        if record.slot == NOT_PLACED:
            record.backup, record.replaces = said
        elif said != (record.backup, record.replaces):
            self.changes += 1
            self.leave(record)
            record.backup, record.replaces = said
            self._placed.back(record, NO_NODE)
            self.join(record)
        return before if before != record.backup else ""

    def move(self, node: str, row: int) -> None:
        """Follow a node to another row, or to `NO_NODE`."""
        for record in self._at.get(node, ()):
            self._placed.back(record, row)
