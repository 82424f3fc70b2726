"""Pods that were removed from nodes believed dead before another took the place reserved for them.

A ReplicaSet makes the replacement as soon as a pod is told to go, a StatefulSet only once it is
gone: by then nothing in the cluster says where its backup was.
"""

from scheduler.domain.snapshot import LostPod
from scheduler.domain.workload import Pod

FORGOTTEN_S = 600.0
"""How long a place is kept for a pod that nobody replaces: twice the five minutes after which
Kubernetes gives a dead node's pods up. Its workload may be gone too."""


class LostPods:
    """What is remembered of them, by uid."""

    def __init__(self) -> None:
        self._lost: dict[str, tuple[LostPod, str]] = {}
        self._since_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._lost)

    def add(self, pod: Pod, node: str, backup: str) -> None:
        """Remember a pod that went with its node."""
        self._lost[pod.uid] = LostPod(pod, backup), node

    def node_is_back(self, node: str) -> None:
        """Forget the pods of a node that lives: their places are on it."""
        for uid in [uid for uid, (_, lost_on) in self._lost.items() if lost_on == node]:
            self._forget(uid)

    def freeze(self, now_s: float, replaced: frozenset[str]) -> tuple[LostPod, ...]:
        """Return those that nobody has replaced and that are not forgotten yet, by name.

        Parameters
        ----------
        now_s
            A clock; its jumps only make a place kept for too long, or too short.
        replaced
            The uids of those whose place was taken.
        """
        for uid in list(self._lost):
            since_s = self._since_s.setdefault(uid, now_s)
            if uid in replaced or abs(now_s - since_s) > FORGOTTEN_S:
                self._forget(uid)
        return tuple(sorted((lost for lost, _ in self._lost.values()), key=_name))

    def _forget(self, uid: str) -> None:
        del self._lost[uid]
        self._since_s.pop(uid, None)


def _name(lost: LostPod) -> tuple[str, str]:
    return lost.pod.key, lost.pod.uid
