"""Topology domains: which nodes carry which value of a label, as columns over all nodes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.selector import Requirement
from scheduler.domain.snapshot import NodeTable
from scheduler.planning.check.requirements import holds


@dataclass(frozen=True, slots=True, eq=False)
class Domains:
    """The domains of one key over ``n`` nodes.

    `of` has shape ``(n + 1,)`` and indexes `values`; it is -1 for a node without the label, and at
    its end, where -1 finds it: the row of pods whose node is gone.
    """

    of: NDArray[np.int64]
    values: tuple[str, ...]
    index: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.values)


def domains_of(table: NodeTable, key: str) -> Domains:
    """Return the domains of label `key`, worked out once for the same nodes."""
    found: Domains | None = table.memo.get(("check", "domain", key))
    if found is None:
        found = _domains([node.labels.get(key) for node in table.nodes])
        table.memo["check", "domain", key] = found
    return found


def each_node(table: NodeTable) -> Domains:
    """Return the nodes themselves as domains."""
    found: Domains | None = table.memo.get(("check", "nodes"))
    if found is None:
        found = _domains([node.name for node in table.nodes])
        table.memo["check", "nodes"] = found
    return found


def _domains(labels: list[str | None]) -> Domains:
    values = dict.fromkeys(value for value in labels if value is not None)
    index = {value: k for k, value in enumerate(values)}
    of = [-1 if value is None else index[value] for value in labels]
    return Domains(np.array([*of, -1], dtype=np.int64), tuple(index), index)


def where(table: NodeTable, wanted: Requirement) -> NDArray[np.bool_]:
    """Return which nodes' labels fulfil `wanted`, shape ``(n,)``."""
    domains = domains_of(table, wanted.key)
    # A host name has as many values as there are nodes: they are not looked at one by one.
    match wanted.operator:
        case "Exists" | "DoesNotExist":
            fulfils = np.full(len(domains) + 1, wanted.operator == "Exists")
            fulfils[-1] = wanted.operator == "DoesNotExist"
        case "In" | "NotIn":
            fulfils = np.full(len(domains) + 1, wanted.operator == "NotIn")
            asked = [domains.index[value] for value in wanted.values if value in domains.index]
            fulfils[asked] = wanted.operator == "In"
        case _:
            carried = [{wanted.key: value} for value in domains.values]
            fulfils = np.array([holds(wanted, labels) for labels in (*carried, {})], dtype=np.bool_)
    return fulfils[domains.of[:-1]]
