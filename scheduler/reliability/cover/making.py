"""The problem of some entries: only the nodes and resources that matter to them, in floats."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.resources import UNLIMITED
from scheduler.domain.snapshot import NodeTable
from scheduler.reliability.cover.entries import Entry
from scheduler.reliability.cover.loads import Ints, Loads
from scheduler.reliability.cover.problem import NOWHERE, Amounts, CoverClass, CoverProblem, Nodes
from scheduler.reliability.cover.settings import CoverSettings

MANY_NODES = 128
"""Nodes to choose from up to which a class is offered all of them."""

HOSTS, BACKUPS = 64, 96
"""How many it is offered of more: the cheapest hosts with room, the backups that most could use."""

_LARGEST = float(1 << 52)
"""Amounts are cut off here: whole numbers up to it are exact in a float."""

UNIT_SHARE = 0.4
"""The measure of prices, as a share of the mean price of a pod's reserve."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What the entries of one decision stand on.

    Parameters
    ----------
    table
        All nodes.
    unit
        Shape ``(n,)``: the failure unit of each.
    room
        Shape ``(n, r)``: room for reserves and for all pods of the entries that may move.
    loads
        Of the pods that are covered and stay as they are; None where none is.
    settings
        Of cover.
    """

    table: NodeTable
    unit: Ints
    room: Ints
    loads: Loads | None
    settings: CoverSettings


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A problem, with what its numbers stand for.

    `at` has the node of each of the problem's nodes, `columns` the resource of each of its
    resources, `pods` the entry and the place in it of each of its pods, `start` each pod's host by
    the problem's numbers, or `NOWHERE`.
    """

    problem: CoverProblem
    at: Nodes
    columns: Nodes
    pods: list[tuple[int, int]]
    start: list[int]

    @property
    def is_pinned(self) -> bool:
        """Whether all pods stay where they are, and only their backups are chosen."""
        return bool((self.problem.pinned >= 0).all())


def offered(entries: Sequence[Entry], ground: Ground) -> list[tuple[Nodes, Nodes]]:
    """Return the hosts and backups that each entry is offered, by the numbers of all nodes."""
    many = np.zeros(len(ground.table), dtype=np.int64)
    for entry in entries:
        if entry.wants:
            many += entry.allowed * len(entry.pods)
    if ground.loads is not None:
        many[ground.loads.node] += int(many.max(initial=0)) + 1  # a reserve that is there is shared
    return [_offered(entry, ground, many) for entry in entries]


def _offered(entry: Entry, ground: Ground, many: Ints) -> tuple[Nodes, Nodes]:
    nodes = np.flatnonzero(entry.allowed)
    now = np.unique(np.array([n for n in entry.nodes if n != NOWHERE], dtype=np.int64))
    if not entry.may_move:
        hosts = now
    elif len(nodes) <= MANY_NODES:
        hosts = nodes
    else:
        demand = entry.pending.demand
        fits = ((ground.room[nodes] >= demand) | (demand == 0)).all(axis=1)
        usable = nodes[fits]
        cheap = usable[np.argsort(entry.cost[usable], kind="stable")[:HOSTS]]
        hosts = np.union1d(cheap, now)
    if not entry.wants:
        return hosts, nodes[:0]
    if len(nodes) > MANY_NODES:
        nodes = np.sort(nodes[np.argsort(-many[nodes], kind="stable")[:BACKUPS]])
    return hosts, nodes


def make_problem(
    entries: Sequence[Entry], choices: Sequence[tuple[Nodes, Nodes]], ground: Ground
) -> Made:
    """Return the problem of some entries with the nodes that each is offered."""
    at = np.unique(np.concatenate([part for choice in choices for part in choice]))
    columns = _columns(entries, ground.table, at)
    weight = _weights(ground, at, columns)
    classes, class_of, pinned, start, pods = [], [], [], [], []
    ranks = sorted({-entry.pending.pod_class.priority for entry in entries})
    groups = _groups(entries)
    position = np.full(len(ground.table), NOWHERE, dtype=np.int64)
    position[at] = np.arange(len(at))
    for number, (entry, (hosts, backups)) in enumerate(zip(entries, choices, strict=True)):
        classes.append(
            CoverClass(
                entry.pending.demand[columns].astype(np.float64),
                position[hosts],
                position[backups],
                entry.cost[hosts].astype(np.float64),
                entry.wants,
                ranks.index(-entry.pending.pod_class.priority),
                groups.get(number, -1),
            )
        )
        for place, node in enumerate(entry.nodes):
            host = int(position[node]) if node != NOWHERE else NOWHERE
            class_of.append(number)
            pinned.append(NOWHERE if entry.may_move else host)
            start.append(host)
            pods.append((number, place))
    unit, base = _base(ground, at, columns, position)
    problem = CoverProblem(
        room=np.clip(ground.room[np.ix_(at, columns)], -_LARGEST, _LARGEST).astype(np.float64),
        unit=unit,
        domain=ground.table.domain[at].astype(np.int64),
        base_load=base,
        weight=weight,
        classes=tuple(classes),
        class_of=np.array(class_of, dtype=np.int64),
        pinned=np.array(pinned, dtype=np.int64),
        replicas=_replicas(entries, groups, position, len(at)),
        must_cover=ground.settings.mode == "required",
        unit_price=_unit_price(classes, class_of, weight),
    )
    return Made(problem, at, columns, pods, start)


def _columns(entries: Sequence[Entry], table: NodeTable, at: Nodes) -> Nodes:
    """Return the resources that are asked for and anywhere limited."""
    asked = np.zeros(len(table.resources), dtype=np.bool_)
    for entry in entries:
        asked |= entry.pending.demand > 0
    is_limited = (table.allocatable[at] < UNLIMITED // 2).any(axis=0)
    return np.flatnonzero(asked & is_limited)


def _weights(ground: Ground, at: Nodes, columns: Nodes) -> Amounts:
    """Return the price of reserving one of each resource: a whole mean node has the set price."""
    size = ground.table.allocatable[np.ix_(at, columns)].astype(np.float64)
    counts = (size > 0) & (size < UNLIMITED // 2)
    mean = np.where(counts, size, 0.0).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    return np.asarray(ground.settings.reserve_weight / np.maximum(mean, 1.0))


def _unit_price(classes: Sequence[CoverClass], class_of: Sequence[int], weight: Amounts) -> float:
    prices = [
        float(classes[number].demand @ weight) for number in class_of if classes[number].wants
    ]
    return max(UNIT_SHARE * sum(prices) / len(prices), 1e-6) if prices else 1.0


def _groups(entries: Sequence[Entry]) -> dict[int, int]:
    """Return the group of each entry whose replicas spread, by the number of the entry."""
    members: dict[object, list[int]] = {}
    for number, entry in enumerate(entries):
        owner = entry.pending.pod_class.workload
        if owner is not None and entry.may_move and not entry.pending.pod_class.spread:
            members.setdefault(owner, []).append(number)
    spread = [
        numbers
        for numbers in members.values()
        if sum(len(entries[k].pods) + len(entries[k].replicas) for k in numbers) > 1
    ]
    return {number: group for group, numbers in enumerate(spread) for number in numbers}


def _replicas(entries: Sequence[Entry], groups: dict[int, int], position: Nodes, n: int) -> Ints:
    """Return the replicas of each group on each node that are not pods of the problem."""
    out = np.zeros((max(groups.values(), default=-1) + 1, n), dtype=np.int64)
    told: set[int] = set()
    for number, group in groups.items():
        fellows = [k for k, g in groups.items() if g == group]
        if group in told:
            continue
        told.add(group)
        nodes = entries[number].replicas.tolist()
        for fellow in fellows:  # pods of the problem are counted where it puts them
            if fellow != number:
                for node in entries[fellow].nodes:
                    if node in nodes:
                        nodes.remove(node)
        at = position[np.array(nodes, dtype=np.int64)]
        np.add.at(out[group], at[at >= 0], 1)
    return out


def _base(ground: Ground, at: Nodes, columns: Nodes, position: Nodes) -> tuple[Nodes, Amounts]:
    """Return units by the problem's numbers, and their loads, shape ``(r, u, n)``.

    Units that no node of the problem is in are one more row: their greatest load on each node.
    """
    known, unit = np.unique(ground.unit[at], return_inverse=True)
    base = np.zeros((len(columns), len(known) + 1, len(at)))
    loads = ground.loads
    if loads is not None:
        here = position[loads.node] >= 0
        node, amounts = position[loads.node[here]], loads.amounts[here][:, columns]
        row = np.searchsorted(known, loads.unit[here])
        row[row == len(known)] = 0
        row = np.where(known[row] == loads.unit[here], row, len(known)) if len(known) else row
        for k in range(len(columns)):
            np.maximum.at(base[k], (row, node), amounts[:, k].astype(np.float64))
    return unit.astype(np.int64), base
