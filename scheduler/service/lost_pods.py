"""Pods that left their nodes before another took the place that is kept for them.

A ReplicaSet makes the replacement as soon as a pod is told to go, a StatefulSet only once it is
gone: by then nothing in the cluster says where its backup was, or where it was to move.
"""

from scheduler.domain.snapshot import LostPod
from scheduler.domain.workload import Labels, Pod

FORGOTTEN_S = 600.0
"""How long a place is kept for a pod that nobody replaces: twice the five minutes after which
Kubernetes gives a dead node's pods up. Its workload may be gone too."""

_RESTORED_S = 120.0
"""For so long an assumption may be taken back: an unanswered binding is given up after 70 s."""


class LostPods:
    """What is remembered of them, by uid.

    Parameters
    ----------
    forgotten_s
        For how long each, seconds, unless another takes its place.
    """

    def __init__(self, forgotten_s: float = FORGOTTEN_S) -> None:
        self._forgotten_s = forgotten_s
        self._lost: dict[str, tuple[LostPod, str]] = {}
        self._since_s: dict[str, float] = {}
        self._given_up: list[str] = []
        self._taken: dict[str, tuple[float, tuple[LostPod, str]]] = {}

    def __len__(self) -> int:
        return len(self._lost)

    def __contains__(self, uid: str) -> bool:
        return uid in self._lost

    def place_of(self, uid: str) -> str:
        """Return the node on which a place is kept for a pod; empty for none."""
        return self._lost[uid][0].backup if uid in self._lost else ""

    def pods(self) -> list[LostPod]:
        """Return all of them, in the order they came."""
        return [lost for lost, _ in self._lost.values()]

    def add(self, pod: Pod, node: str, backup: str, marks: Labels = ()) -> None:
        """Remember a pod that went with its node, or that is made to leave it for another.

        Parameters
        ----------
        pod
            The pod.
        node
            Its node; empty where its place is kept though that node lives.
        backup
            The node where its place is kept; empty for none.
        marks
            Annotations that its successor is to carry.
        """
        self._lost[pod.uid] = LostPod(pod, backup, marks), node

    def forget(self, uid: str) -> None:
        """Give up the place of a pod that needs none any more; harmless for one not known."""
        if uid in self._lost:
            self._given_up.append(self._lost[uid][0].backup)
            self._forget(uid)

    def node_is_back(self, node: str) -> None:
        """Forget the pods of a node that lives: their places are on it."""
        for uid in [uid for uid, (_, lost_on) in self._lost.items() if lost_on == node]:
            self._forget(uid)

    def freeze(
        self, now_s: float, replaced: frozenset[str], renounced: frozenset[str] = frozenset()
    ) -> tuple[LostPod, ...]:
        """Return those that nobody has replaced and that are not forgotten yet, by name.

        Parameters
        ----------
        now_s
            A clock; its jumps only make a place kept for too long, or too short.
        replaced
            The uids of those whose place was taken.
        renounced
            The uids of those whose place was assumed to be taken, and is not after all.
        """
        self._restore(now_s, renounced)
        for uid in list(self._lost):
            since_s = self._since_s.setdefault(uid, now_s)
            if uid in replaced:
                self._taken[uid] = now_s, self._lost[uid]
            if uid in replaced or abs(now_s - since_s) > self._forgotten_s:
                self._given_up.append(self._lost[uid][0].backup)
                self._forget(uid)
        return tuple(sorted((lost for lost, _ in self._lost.values()), key=_name))

    def _restore(self, now_s: float, renounced: frozenset[str]) -> None:
        """Remember those again whose places are not taken after all.

        A pod is assumed to be where it is decided to go, until that is found to be wrong.
        """
        for uid, (taken_s, entry) in list(self._taken.items()):
            if uid in renounced:
                self._lost[uid] = entry
            if uid in renounced or abs(now_s - taken_s) > _RESTORED_S:
                del self._taken[uid]

    def renew(self, uid: str) -> None:
        """Remember a pod for as long again from now on; harmless for one that is not known."""
        self._since_s.pop(uid, None)

    def take_given_up(self) -> list[str]:
        """Return the nodes on which places are kept no more, once each time one is given up."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def _forget(self, uid: str) -> None:
        del self._lost[uid]
        self._since_s.pop(uid, None)


def _name(lost: LostPod) -> tuple[str, str]:
    return lost.pod.key, lost.pod.uid
