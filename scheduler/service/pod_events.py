"""What is told of pods that are placed, go, or change, to those that wait."""

from collections.abc import Callable

from scheduler.domain.resources import Resources
from scheduler.domain.workload import Pod
from scheduler.service.node_columns import NodeColumns
from scheduler.service.service_table import ServiceTable
from scheduler.service.wake import (
    Namespaces,
    PodGone,
    PodLeaving,
    PodPlaced,
    PodRelabelled,
    RoomFreed,
    Wake,
    WakeNamed,
    placed_pod,
)


class PodEvents:
    """Makes events of what happens to pods, with nodes and Services as they are now.

    None are made while `is_heard` says that nobody would listen, as through a first list of 150,000
    pods.
    """

    def __init__(
        self, nodes: NodeColumns, services: ServiceTable, namespaces: Callable[[], Namespaces]
    ) -> None:
        self._nodes = nodes
        self._services = services
        self._namespaces = namespaces
        self.is_heard: Callable[[], bool] = lambda: True

    def named(self, why: str, pod: Pod, *, skips_backoff: bool = False) -> list[Wake]:
        """Tell that something happened to what a delay may refer to."""
        if not self.is_heard():
            return []
        names = self._services.aliases(pod)
        return [WakeNamed(why, pod.namespace, names, skips_backoff=skips_backoff)]

    def placed(self, pod: Pod, why: str = "AssignedPodAdd") -> list[Wake]:
        """Tell that a pod is on a node."""
        if not self.is_heard():
            return []
        return [PodPlaced(placed_pod(pod, self._namespaces()), why), *self.named(why, pod)]

    def assumed(self, pod: Pod) -> list[Wake]:
        """Tell that a pod will be bound to a node."""
        if not self.is_heard():
            return []
        placed = PodPlaced(placed_pod(pod, self._namespaces()))
        return [placed, *self.named("PodAssumed", pod, skips_backoff=True)]

    def gone(self, pod: Pod, node: str, freed: Resources | None) -> list[Wake]:
        """Tell that a pod is on a node no more, or will not be; `freed` as in `RoomFreed`."""
        if not self.is_heard():
            return []
        room = self._nodes.room(node)
        told = self.stranded(pod, "AssignedPodDelete")
        return [RoomFreed(room, freed), *told] if room is not None else told

    def stranded(self, pod: Pod, why: str = "NodeDelete") -> list[Wake]:
        """Tell that a pod counts nowhere any more."""
        if not self.is_heard():
            return []
        return [PodGone(placed_pod(pod, self._namespaces()), why), *self.named(why, pod)]

    def terminating(self, pod: Pod, *, is_placed: bool) -> list[Wake]:
        """Tell that a pod is on its way out."""
        if not self.is_heard():
            return []
        leaving = PodLeaving(placed_pod(pod, self._namespaces()))
        return [*([leaving] if is_placed else ()), *self.named("PodTerminating", pod)]

    def changed(self, old: Pod, new: Pod, node: str) -> list[Wake]:
        """Tell that a pod changed; `node` is where it is placed, or empty."""
        wakes: list[Wake] = []
        if not self.is_heard():
            return wakes
        if old.pod_class != new.pod_class:  # a Service may have selected what it was
            wakes = [*self.named("PodUpdate", old), *self.named("PodUpdate", new)]
        namespaces = self._namespaces()
        was, now = placed_pod(old, namespaces), placed_pod(new, namespaces)
        if node and was.labels != now.labels:
            wakes.append(PodRelabelled(was, now))
        left = dict(new.pod_class.requests)
        less = [(name, had - left.get(name, 0)) for name, had in old.pod_class.requests]
        freed = tuple((name, amount) for name, amount in less if amount > 0)
        room = self._nodes.room(node) if freed else None
        if room is not None:
            wakes.append(RoomFreed(room, freed, "AssignedPodUpdatePodScaleDown"))
        return wakes
