"""What is due when, in virtual time."""

import heapq
from dataclasses import dataclass
from enum import Enum

from simulator.change import ObjectKey


class Task(Enum):
    """What the controllers and the kubelets do when their time comes."""

    SYNC = "a controller looks at its object"
    ADMIT_POD = "the kubelet sees a pod bound to its node"
    START_POD = "the containers of an admitted pod run"
    FINISH_POD = "the containers of a deleted pod have stopped"
    NODE_SILENT = "the kubelet has not been heard of for too long"
    EVICT_POD = "a pod has tolerated a NoExecute taint long enough"
    COLLECT = "the garbage collector looks for objects of a deleted owner"
    COLLECT_ORPHAN = "a pod is still on a node that does not exist"
    EXPIRE = "an event is past its time to live"


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to do. `uid` tells the object meant from a later one of its name."""

    task: Task
    key: ObjectKey
    uid: str = ""


class Agenda:
    """Things due, earliest first; things due together in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Due]] = []
        self._at: dict[Due, float] = {}
        self._added = 0

    def add(self, at_s: float, due: Due) -> None:
        """Add `due`; what is on the agenda already stays at the earlier of the two times."""
        if self._at.get(due, float("inf")) <= at_s:
            return
        self._at[due] = at_s
        self._added += 1
        heapq.heappush(self._heap, (at_s, self._added, due))

    def drop(self, due: Due) -> None:
        """Take `due` off, if it is on."""
        self._at.pop(due, None)

    def next_s(self) -> float | None:
        """Return when the next thing is due, or None."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # dropped, or moved to an earlier time
        return self._heap[0][0] if self._heap else None

    def pop(self) -> tuple[float, Due]:
        """Take the next thing off; the agenda must not be empty."""
        if self.next_s() is None:
            raise IndexError("nothing is due")
        at_s, _, due = heapq.heappop(self._heap)
        del self._at[due]
        return at_s, due

    def tasks(self) -> set[Task]:
        """Return the kinds of thing that are still to come."""
        return {due.task for due in self._at}
