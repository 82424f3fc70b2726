"""Places that are kept for the successors of pods: those lost with their nodes, and those moved."""

from scheduler.reliability.failover.losses import home_mark
from scheduler.reliability.health import is_dead
from scheduler.service.lost_pods import LostPods
from scheduler.service.node_columns import NodeColumns
from scheduler.service.pod_book import PodBook
from scheduler.service.wake import Wake

MOVED_S = 120.0
"""How long a place is kept for the successor of a pod that was made to leave, once it has left."""


class KeptPlaces:
    """What is remembered of pods that left, or leave, before another took their place.

    Parameters
    ----------
    pods, nodes
        What is known of them; for reading only.
    """

    def __init__(self, pods: PodBook, nodes: NodeColumns) -> None:
        self._pods, self._nodes = pods, nodes
        self.lost = LostPods()
        self.moving = LostPods(MOVED_S)

    def leaves(self, key: str, uid: str) -> None:
        """Remember a pod that is removed, if its node is dead and it has no place to move to."""
        record = self._pods.get(key)
        if record is None or record.pod.uid != uid or not record.node:
            return
        if not self._lives(record.node) and not self._lives(self.moving.place_of(uid)):
            marks = home_mark(record.pod, record.node)
            self.lost.add(record.pod, record.node, record.backup, marks)

    def look(self) -> None:
        """Have places kept for longer whose pods are there still, as they end slowly."""
        there = {lost.pod.key: lost.pod.uid for lost in self.moving.pods()}
        for key, uid in there.items():
            record = self._pods.get(key)
            if record is not None and record.pod.uid == uid:
                self.moving.renew(uid)

    def given_up(self) -> list[Wake]:
        """Return whom it may help that places are kept no more for pods that left their nodes."""
        nodes = [*self.lost.take_given_up(), *self.moving.take_given_up()]
        return [wake for node in nodes for wake in self._pods.unreserved(node)]

    def replaced(self, uid: str) -> list[Wake]:
        """Return whom it may help that the place of a pod that is lost is kept no more.

        What replaces it may have gone elsewhere.
        """
        for kept in (self.lost, self.moving):
            if uid in kept:
                return self._pods.unreserved(kept.place_of(uid))
        dead = [node.name for node in self._nodes.nodes if is_dead(node)]
        found = (record for name in dead for record in self._pods.on(name))
        backup = next((record.backup for record in found if record.pod.uid == uid), "")
        return self._pods.unreserved(backup)

    def _lives(self, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and not is_dead(node)
