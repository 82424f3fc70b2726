"""Placed pods as columns, patched by events; and what the cache remembers of each pod."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import PlacedPods
from scheduler.domain.workload import Pod, PodClass

NOT_PLACED = -1
NO_NODE = -1


class PodState(Enum):
    """Where a pod stands, as far as we know."""

    PENDING = auto()
    ASSUMED = auto()  # we decided; the watch has not confirmed
    BOUND = auto()
    FINISHED = auto()


@dataclass(slots=True, eq=False)
class PodRecord:
    """One pod, changed in place.

    `doubted_at_s` is when a binding of it first went unanswered, else None; `unanswered_s` when one
    last did; `doubted_in` is the number of the listing then under way or last completed. `backup`
    is the node reserved for it, `replaces` the uid of the lost pod whose place it took, and `said`
    what the cluster last said of both.
    """

    pod: Pod
    state: PodState = PodState.PENDING
    node: str = ""
    is_terminating: bool = False
    slot: int = NOT_PLACED
    doubted_at_s: float | None = None
    unanswered_s: float = 0.0
    doubted_in: int = 0
    backup: str = ""
    replaces: str = ""
    said: tuple[str, str] = ("", "")
    is_ready: bool = False


class PodColumns:
    """The rows of bound and assumed pods. The last row takes the place of one that leaves."""

    def __init__(self) -> None:
        self._records: list[PodRecord] = []
        self._pods: list[Pod] = []
        self._node_of = np.zeros(64, dtype=np.int32)
        self._class_of = np.zeros(64, dtype=np.int32)
        self._is_terminating = np.zeros(64, dtype=np.bool_)
        self._backup_of = np.full(64, NO_NODE, dtype=np.int32)
        self.replaced: frozenset[str] = frozenset()
        self._classes: list[PodClass] = []
        self._class_row: dict[PodClass, int] = {}
        self._members: list[int] = []
        self._frozen_classes: tuple[PodClass, ...] | None = None

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: PodRecord, row: int) -> None:
        """Add a pod that stands on the node of row `row`, or on `NO_NODE`."""
        slot = len(self._records)
        if slot == len(self._node_of):
            self._node_of = np.concatenate([self._node_of, self._node_of])
            self._class_of = np.concatenate([self._class_of, self._class_of])
            self._is_terminating = np.concatenate([self._is_terminating, self._is_terminating])
            self._backup_of = np.concatenate([self._backup_of, self._backup_of])
        self._records.append(record)
        self._pods.append(record.pod)
        self._node_of[slot] = row
        self._class_of[slot] = self._join(record.pod.pod_class)
        self._is_terminating[slot] = record.is_terminating
        self._backup_of[slot] = NO_NODE
        record.slot = slot

    def remove(self, record: PodRecord) -> None:
        """Remove a pod."""
        slot, last = record.slot, len(self._records) - 1
        class_row = int(self._class_of[slot])
        moved = self._records[last]
        self._records[slot], self._pods[slot] = moved, self._pods[last]
        for column in (self._node_of, self._class_of, self._is_terminating, self._backup_of):
            column[slot] = column[last]
        moved.slot = slot
        self._records.pop()
        self._pods.pop()
        record.slot = NOT_PLACED
        self._leave(class_row)

    def refresh(self, record: PodRecord) -> None:
        """Take over a pod's changed object; its class must be the same."""
        self._pods[record.slot] = record.pod
        self._is_terminating[record.slot] = record.is_terminating

    def move(self, record: PodRecord, row: int) -> None:
        """Follow the node of a pod to another row."""
        self._node_of[record.slot] = row

    def back(self, record: PodRecord, row: int) -> None:
        """Say which row the backup of a pod is on, `NO_NODE` for none."""
        self._backup_of[record.slot] = row

    def freeze(self) -> PlacedPods:
        """Return columns that later events do not change."""
        n = len(self._records)
        node_of, class_of, is_terminating = (
            _sealed(self._node_of, n),
            _sealed(self._class_of, n),
            self._is_terminating[:n].copy(),
        )
        is_terminating.flags.writeable = False
        if self._frozen_classes is None:
            # The same tuple while no class comes or goes: decisions remember what they made of it.
            self._frozen_classes = tuple(self._classes)
        return PlacedPods(
            pods=tuple(self._pods),
            node_of=node_of,
            classes=self._frozen_classes,
            class_of=class_of,
            is_terminating=is_terminating,
            backup_of=_sealed(self._backup_of, n),
            replaced=self.replaced,
        )

    def _join(self, pod_class: PodClass) -> int:
        row = self._class_row.get(pod_class)
        if row is None:
            row = self._class_row[pod_class] = len(self._classes)
            self._classes.append(pod_class)
            self._frozen_classes = None
            self._members.append(0)
        self._members[row] += 1
        return row

    def _leave(self, row: int) -> None:
        """Count one member less; a class without members gives its row to the last class."""
        self._members[row] -= 1
        if self._members[row]:
            return
        self._frozen_classes = None
        last = len(self._classes) - 1
        moved, members = self._classes.pop(), self._members.pop()
        if row == last:
            del self._class_row[moved]
            return
        del self._class_row[self._classes[row]]
        self._classes[row], self._members[row] = moved, members
        self._class_row[moved] = row
        of_last = self._class_of[: len(self._records)]
        of_last[of_last == last] = row


def _sealed(column: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    out = column[:n].copy()
    out.flags.writeable = False
    return out
