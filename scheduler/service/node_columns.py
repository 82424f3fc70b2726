"""Nodes as columns that are patched by events and copied, not rebuilt, when frozen."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import Node, Taint
from scheduler.domain.resources import PODS, UNLIMITED
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import PodClass
from scheduler.service.class_memo import ClassMemo
from scheduler.service.wake import Room

_Demand = tuple[NDArray[np.int64], NDArray[np.int64]]


class NodeColumns:
    """The rows of all known nodes, and what pods take of them.

    A row keeps its place until its node leaves; then the last row takes the hole. Only `freeze`
    copies: 12,500 rows of four resources are 400 kB.
    """

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self._nodes: list[Node] = []
        self._resources: list[str] = [PODS]
        self._allocatable = np.zeros((16, 1), dtype=np.int64)
        self._requested = np.zeros((16, 1), dtype=np.int64)
        self._claims = np.zeros((16, 3), dtype=np.bool_)  # ready, unschedulable, cloud
        self._domain = np.zeros(0, dtype=np.int32)
        self._domain_names: tuple[str, ...] = ()
        self._demands: ClassMemo[_Demand] = ClassMemo()
        self.marks: dict[str, str] = {}
        self._frozen: NodeTable | None = None
        self._are_domains_stale = True

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes, in the order of their rows; not to be changed."""
        return self._nodes

    def get(self, name: str) -> Node | None:
        """Return a node, or None."""
        row = self.index.get(name)
        return None if row is None else self._nodes[row]

    def put(self, node: Node) -> int:
        """Add or change a node; return its row. A new row starts without requests."""
        self._name_resources(node.allocatable)
        row = self.index.get(node.name)
        if row is None:
            row = self._append(node)
        elif self._nodes[row].failure_domain != node.failure_domain:
            self._are_domains_stale = True
        self._nodes[row] = node
        self._allocatable[row] = self._row_of(node)
        self._claims[row] = (node.is_ready, node.is_unschedulable, node.is_cloud)
        self._frozen = None
        return row

    def mark(self, name: str, key: str) -> bool:
        """Have a node frozen with a taint of that key, none for ""; return whether that is new."""
        if self.marks.get(name, "") == key:
            return False
        if key:
            self.marks[name] = key
        else:
            del self.marks[name]
        self._frozen = None
        return True

    def remove(self, name: str) -> tuple[int, str] | None:
        """Remove a node; return the row and the name of the node that now has it, if one moved."""
        hole = self.index.pop(name)
        last = len(self._nodes) - 1
        moved = self._nodes.pop()
        self._frozen, self._are_domains_stale = None, True
        if hole == last:
            return None
        self._nodes[hole] = moved
        self.index[moved.name] = hole
        self._allocatable[hole] = self._allocatable[last]
        self._requested[hole] = self._requested[last]
        self._claims[hole] = self._claims[last]
        return hole, moved.name

    def name_class(self, pod_class: PodClass) -> None:
        """Make sure that whatever pods of a class request has a column."""
        self._demand(pod_class)

    def holds(self, row: int, pod_class: PodClass) -> bool:
        """Whether a node is charged with no more than it has, of what a pod of a class takes."""
        columns, _ = self._demand(pod_class)
        return bool((self._requested[row, columns] <= self._allocatable[row, columns]).all())

    def charge(self, row: int, pod_class: PodClass) -> None:
        """Take the room of one pod."""
        columns, amounts = self._demand(pod_class)
        self._requested[row, columns] += amounts

    def refund(self, row: int, pod_class: PodClass) -> None:
        """Give the room of one pod back."""
        columns, amounts = self._demand(pod_class)
        self._requested[row, columns] -= amounts

    def has_room(self, row: int, pod_class: PodClass) -> bool:
        """Whether one pod fits, judged by the resources it asks for, as kube-scheduler does."""
        columns, amounts = self._demand(pod_class)
        free = self._allocatable[row, columns] - self._requested[row, columns]
        return bool((amounts <= free).all())

    def room(self, name: str) -> Room | None:
        """Return what is left on a node, or None for one that is not known."""
        row = self.index.get(name)
        if row is None:
            return None
        free = (self._allocatable[row] - self._requested[row]).tolist()
        return Room(self._nodes[row], dict(zip(self._resources, free, strict=True)))

    def freeze(self) -> NodeTable:
        """Return a table that later events do not change."""
        if self._frozen is None:
            self._frozen = self._describe()
        requested = self._requested[: len(self._nodes)].copy()
        requested.flags.writeable = False
        return self._frozen.with_requested(requested)

    def _describe(self) -> NodeTable:
        """Return all that only a change of a node can change."""
        n = len(self._nodes)
        if self._are_domains_stale:
            self._number_domains()
        allocatable, claims = self._allocatable[:n].copy(), self._claims[:n].copy()
        for array in (allocatable, claims):
            array.flags.writeable = False
        return NodeTable(
            nodes=tuple(map(self._marked, self._nodes)) if self.marks else tuple(self._nodes),
            index=dict(self.index),
            resources=tuple(self._resources),
            allocatable=allocatable,
            requested=np.zeros_like(allocatable),
            is_ready=claims[:, 0],
            is_unschedulable=claims[:, 1],
            is_cloud=claims[:, 2],
            domain=self._domain,
            domain_names=self._domain_names,
        )

    def _marked(self, node: Node) -> Node:
        key = self.marks.get(node.name)
        return replace(node, taints=(*node.taints, Taint(key))) if key else node

    def _number_domains(self) -> None:
        domains = [node.failure_domain for node in self._nodes]
        self._domain_names = tuple(sorted(set(filter(None, domains))))
        number = {name: k for k, name in enumerate(self._domain_names)}
        self._domain = np.array([number.get(name, -1) for name in domains], dtype=np.int32)
        self._domain.flags.writeable = False
        self._are_domains_stale = False

    def _append(self, node: Node) -> int:
        row = len(self._nodes)
        if row == len(self._allocatable):
            self._allocatable = np.concatenate([self._allocatable, self._allocatable])
            self._requested = np.concatenate([self._requested, self._requested])
            self._claims = np.concatenate([self._claims, self._claims])
        self._requested[row] = 0
        self._nodes.append(node)
        self.index[node.name] = row
        self._are_domains_stale = True
        return row

    def _row_of(self, node: Node) -> NDArray[np.int64]:
        unlisted = UNLIMITED if node.is_unlimited else 0
        return np.array(
            [node.allocatable.get(name, unlisted) for name in self._resources], dtype=np.int64
        )

    def _demand(self, pod_class: PodClass) -> _Demand:
        """Return the columns of what a pod of a class requests, and the amounts."""
        known = self._demands.get(pod_class)
        if known is None:
            self._name_resources(name for name, _ in pod_class.requests)
            known = self._demands.put(pod_class, self._demand_of(pod_class))
        return known

    def _demand_of(self, pod_class: PodClass) -> _Demand:
        wanted = dict(pod_class.requests)
        wanted[PODS] = wanted.get(PODS, 0) + 1
        at = {name: k for k, name in enumerate(self._resources)}
        columns = np.array([at[name] for name in wanted], dtype=np.int64)
        return columns, np.array(list(wanted.values()), dtype=np.int64)

    def _name_resources(self, names: Iterable[str]) -> None:
        """Insert a column for each name that has none; columns stay sorted by name."""
        added = set(names) - set(self._resources)
        if not added:
            return
        old = self._resources
        self._resources = sorted({*old, *added})
        at = [self._resources.index(name) for name in old]
        requested = np.zeros((len(self._requested), len(self._resources)), dtype=np.int64)
        requested[:, at] = self._requested
        self._requested = requested
        self._allocatable = np.zeros_like(requested)
        for row, node in enumerate(self._nodes):
            self._allocatable[row] = self._row_of(node)
        for known in self._demands.classes():
            self._demands.put(known, self._demand_of(known))
        self._frozen = None
