"""A cluster in which pods come, run and finish, told to a cache by the events of a watch."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.rule_classes import (
    NAMESPACES,
    Made,
    filler,
    make_classes,
    namespace_labels,
)
from benchmarks.rule_floor import GENERATION_KEY, Floor
from scheduler.domain.cluster_events import Listed, NodeChanged, PodChanged, PodDeleted
from scheduler.domain.object_events import NamespaceChanged
from scheduler.domain.plan import Plan
from scheduler.domain.resources import CPU, MEMORY, PODS
from scheduler.domain.workload import Pod, PodClass
from scheduler.service.cache import Cache

_REPLICAS = 100
_MARGIN = 4
"""A node takes a running pod only if it has room for so many like it: some classes share few."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is at any one time; `pods` are pending, in `classes`."""

    nodes: int
    running: int
    pods: int
    classes: int

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"{self.nodes:,} nodes, {self.running:,} running, "
            f"{self.pods:,} pending in {self.classes:,} classes"
        )


class BusyCluster:
    """Nodes, namespaces and running pods, in a cache that has heard of them.

    Parameters
    ----------
    floor
        Its nodes.
    size
        As many nodes as the floor has.
    seed
        Of classes and places.
    """

    def __init__(self, floor: Floor, size: Size, seed: int) -> None:
        self._floor, self._size = floor, size
        self._rng = np.random.default_rng(seed)
        self._serial = 0
        self.classes = make_classes(floor, max(size.classes, size.running // _REPLICAS), seed)
        self.running: dict[PodClass, deque[tuple[Pod, str]]] = defaultdict(deque)
        self.cache = Cache()
        self._list()

    def arrive(self) -> tuple[Pod, ...]:
        """Have the size's number of pods created, their classes in turn, and return them."""
        kinds = [made.pod_class for made in self.classes[: self._size.classes]]
        pods = tuple(self._pod(kinds[k % len(kinds)]) for k in range(self._size.pods))
        for pod in pods:
            self._tell(pod, "", "Pending")
        return pods

    def settle(self, plan: Plan) -> None:
        """Have what was assumed confirmed, what found no node given up, and as many finish.

        Of each class those that have run longest: its replicas are replaced, a few at a time.
        """
        for assignment in plan.assignments:
            self._run(assignment.pod, assignment.node)
            pod, node = self.running[assignment.pod.pod_class].popleft()
            self._tell(pod, node, "Succeeded")
            self.cache.apply(PodDeleted(pod.key, pod.uid))
        for unplaced in plan.unplaced:
            self.cache.apply(PodDeleted(unplaced.pod.key, unplaced.pod.uid))

    def relabel_a_node(self, number: int) -> None:
        """Have a node change its labels, which takes what was worked out of nodes away."""
        node = self._floor.nodes[number % len(self._floor.nodes)]
        labels = {**node.labels, GENERATION_KEY: str(1 + number % 5), "relabelled": str(number)}
        self.cache.apply(NodeChanged(replace(node, labels=labels)))

    def _list(self) -> None:
        self.cache.begin_listing()
        for number, name in enumerate(NAMESPACES):
            self.cache.apply(NamespaceChanged(name, namespace_labels(number)))
        for node in self._floor.nodes:
            self.cache.apply(NodeChanged(node))
        self.cache.set_rtt(self._floor.rtt)
        self.cache.zones = self._floor.zones
        self._fill()
        self.cache.apply(Listed())

    def _fill(self) -> None:
        places, left = Places(self._floor, self._rng), self._size.running
        for made in self.classes:
            left -= self._start(made.pod_class, places.take(made, min(_REPLICAS, left)))
        rest = Made("plain", filler(), self._floor.is_open)
        while left:
            left -= self._start(rest.pod_class, places.take(rest, left))

    def _start(self, pod_class: PodClass, rows: Sequence[int]) -> int:
        for row in rows:
            self._run(self._pod(pod_class), self._floor.nodes[row].name)
        return len(rows)

    def _run(self, pod: Pod, node: str) -> None:
        self._tell(pod, node, "Running")
        self.running[pod.pod_class].append((pod, node))

    def _pod(self, pod_class: PodClass) -> Pod:
        self._serial += 1
        owner = pod_class.workload.name if pod_class.workload else "bare"
        return Pod(f"{owner}-{self._serial}", pod_class, uid=f"uid-{self._serial}")

    def _tell(self, pod: Pod, node: str, phase: str) -> None:
        self.cache.apply(PodChanged(pod, node, phase, is_terminating=False))


class Places:
    """Where running pods are put: the emptiest of the nodes that a class allows.

    Parameters
    ----------
    floor
        The nodes.
    rng
        Breaks ties.
    """

    def __init__(self, floor: Floor, rng: np.random.Generator) -> None:
        self._floor, self._rng = floor, rng
        self._free = np.array(
            [[node.allocatable[name] for name in (CPU, MEMORY, PODS)] for node in floor.nodes],
            dtype=np.int64,
        )
        self._pods = np.zeros(len(floor.nodes), dtype=np.int64)

    def take(self, made: Made, count: int) -> list[int]:
        """Return rows for up to `count` pods of a class: evenly over its zones, or its nodes."""
        wanted = dict(made.pod_class.requests)
        demand = np.array([wanted.get(CPU, 0), wanted.get(MEMORY, 0), 1], dtype=np.int64)
        fits = (self._free >= _MARGIN * demand).all(axis=1)
        rows = self._emptiest(np.flatnonzero(made.homes & fits))
        if made.kind == "hard spread":
            rows = rows[np.argsort(_rank_within(self._floor.zone_of[rows]), kind="stable")]
        most = 1 if made.wants_own_node else _MARGIN
        chosen = np.tile(rows, most)[:count]
        np.subtract.at(self._free, chosen, demand)
        np.add.at(self._pods, chosen, 1)
        return [int(row) for row in chosen]

    def _emptiest(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return rows[np.argsort(self._pods[rows] + self._rng.random(len(rows)))]


def _rank_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each entry how many of its group come before it."""
    seen: dict[int, int] = {}
    out = np.zeros(len(groups), dtype=np.int64)
    for k, group in enumerate(groups.tolist()):
        out[k] = seen.get(group, 0)
        seen[group] = out[k] + 1
    return out
