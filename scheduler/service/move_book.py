"""What was moved, refused and badly placed: what limits the next moves.

Kept by a clock that does not jump. What a scheduler before this one did is read from the trails on
the pods (`scheduler.reliability.repair.trail`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.domain.workload import Pod, WorkloadRef
from scheduler.reliability.budgets import Break, BrokenBudget
from scheduler.reliability.repair.moves import Limits
from scheduler.reliability.repair.settings import RepairSettings
from scheduler.reliability.repair.trail import HOUR_S, entries

_FIRST_REFUSAL_S = 10.0
_LONGEST_REFUSAL_S = 300.0


@dataclass(frozen=True, slots=True)
class _Refusal:
    until_s: float
    wait_s: float
    why: str


class MoveBook:
    """One of a service. Times are seconds on a clock that never steps back."""

    def __init__(self, settings: RepairSettings) -> None:
        self._settings = settings
        self._bad: dict[tuple[WorkloadRef, str], float] = {}
        self._moves: dict[WorkloadRef, dict[tuple[str, int], float]] = {}
        self._refused: dict[WorkloadRef, _Refusal] = {}
        self._read: set[str] = set()

    def saw_broken(self, broken: Iterable[BrokenBudget], now_s: float) -> None:
        """Take note of where budgets are broken."""
        for one in broken:
            workload = one.pod.pod_class.workload
            if workload is not None and one.kind is Break.TOO_FAR:
                self._bad[workload, one.node] = now_s

    def moved(self, pod: Pod, node: str, now_s: float, wall_s: float) -> None:
        """Take note of a pod that was made to leave a node."""
        workload = pod.pod_class.workload
        if workload is not None:
            self._moves.setdefault(workload, {})[node, round(wall_s)] = now_s
            self._refused.pop(workload, None)

    def refused(self, pod: Pod, why: str, now_s: float, retry_s: float = 0.0) -> float:
        """Take note of a refusal; return for how long the workload is left alone, seconds."""
        workload = pod.pod_class.workload
        if workload is None:
            return 0.0
        before = self._refused.get(workload)
        wait_s = min(2 * before.wait_s, _LONGEST_REFUSAL_S) if before else _FIRST_REFUSAL_S
        wait_s = max(wait_s, retry_s)
        self._refused[workload] = _Refusal(now_s + wait_s, wait_s, why)
        return wait_s

    def read(self, pods: Iterable[Pod], now_s: float, wall_s: float) -> None:
        """Learn from the trails of pods what was moved, and away from where; each is read once."""
        moved = [pod for pod in pods if pod.moved_from]
        read, self._read = self._read, {pod.uid for pod in moved}
        for pod in moved:
            workload = pod.pod_class.workload
            if workload is None or pod.uid in read:
                continue
            for node, then_s in entries(pod.moved_from):
                at_s = now_s - max(0.0, wall_s - then_s)
                known = self._moves.setdefault(workload, {})
                known.setdefault((node, round(then_s)), at_s)
                bad_s = self._bad.get((workload, node), at_s)
                self._bad[workload, node] = max(bad_s, at_s)

    def limits(
        self,
        under_way: Iterable[Pod],
        untrusted: frozenset[str],
        now_s: float,
        ours: str,
        unready: Mapping[WorkloadRef, str] | None = None,
    ) -> Limits:
        """Return what must not be moved now, or not there.

        Parameters
        ----------
        under_way
            Pods that are made to leave and whose successors are not ready yet.
        untrusted
            Nodes that nothing is moved to.
        now_s
            The time.
        ours
            The scheduler whose pods may be moved.
        unready
            Workloads that wait for a successor to be ready, and what is to be said of it.
        """
        self._forget(now_s)
        most = self._settings.moves_per_workload_and_hour
        resting = {
            workload: f"{len(moves)} of its pods were moved within an hour, which is the most"
            for workload, moves in self._moves.items()
            if len(moves) >= most
        }
        for workload, refusal in self._refused.items():
            if now_s < refusal.until_s:
                resting[workload] = f"its eviction was refused: {refusal.why}"
        going = [pod.pod_class.workload for pod in under_way]
        resting |= {of: "" for of in going if of is not None} | dict(unready or {})
        barred: dict[WorkloadRef, set[str]] = {}
        for workload, node in self._bad:
            barred.setdefault(workload, set()).add(node)
        return Limits(
            max(0, self._settings.moves_at_once - len(going)),
            resting,
            {workload: frozenset(nodes) for workload, nodes in barred.items()},
            untrusted,
            ours,
        )

    def _forget(self, now_s: float) -> None:
        """Drop what is too old to count."""
        bad_s = self._settings.bad_place_seconds
        self._bad = {key: at for key, at in self._bad.items() if now_s - at < bad_s}
        for workload, moves in list(self._moves.items()):
            left = {key: at for key, at in moves.items() if now_s - at < HOUR_S}
            self._moves[workload] = left
            if not left:
                del self._moves[workload]
        self._refused = {
            workload: refusal
            for workload, refusal in self._refused.items()
            if now_s < refusal.until_s + _LONGEST_REFUSAL_S
        }
