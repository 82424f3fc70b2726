"""Which nodes a class that is filled looks at: the cheapest, as many as it may need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.emptiest import EmptiestFirst
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.packing.problem import Ints

SPARE_NODES = 24
"""Candidates beyond the pods to be placed: the cheapest may be ruled out on the way."""

FEW_DOMAINS = 32
"""Of so many domains each has its own cheapest nodes among the candidates."""

Domains = Sequence[tuple[NDArray[np.int32] | Ints, int]]
"""Each node's domain, shape ``(n,)``, and their number, for each way in which they matter."""


@dataclass(slots=True, eq=False)
class Candidates:
    """Nodes looked at; all of shape ``(k,)``. `load` is how full a pod more would make each.

    `slots` is how many pods each has room for. `is_all` if no node that takes the class is missing;
    `is_uniform` if they cost the same but for the replicas and the load they have.
    """

    nodes: Ints
    load: Ints
    slots: Ints
    is_all: bool
    is_uniform: bool


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What candidates are for.

    `base` (shape ``(n,)``) are nodes that may take a pod, `domains` the ways in which pods of the
    class disturb each other, `left` the pods to be placed; `is_all` asks for all of `base`.
    """

    base: Mask
    domains: Domains
    left: int
    is_all: bool


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """The nodes of a base and what each costs; a pod more makes one at least `step` dearer."""

    nodes: Ints
    price: Ints
    step: int


def choose(
    emptiest: EmptiestFirst, asked: Asked, free: Ints, priced: Priced | None
) -> tuple[Ints, bool]:
    """Return candidates, and whether they are all there are.

    Parameters
    ----------
    emptiest
        The order of nodes that cost the same.
    asked
        What for.
    free
        Shape ``(n, r)``.
    priced
        None where all nodes cost the same.
    """
    base, most = asked.base, asked.left + SPARE_NODES
    if asked.is_all or int(base.sum()) <= 2 * most:
        return np.flatnonzero(base), True
    if priced is not None:
        is_cheap = priced.price < int(priced.price.min()) + priced.step
        if int(is_cheap.sum()) < most:
            return priced.nodes[np.sort(np.argpartition(priced.price, most - 1)[:most])], False
        base = np.zeros_like(base)
        base[priced.nodes[is_cheap]] = True
    few = [(domain, size) for domain, size in asked.domains if size <= FEW_DOMAINS]
    if not few:
        order = emptiest.nodes(free)
        return order[np.flatnonzero(base[order])[:most]], False
    parts = [
        part[np.flatnonzero(base[part])[:most]]
        for domain, size in few
        for part in emptiest.of_domains(free, domain, size)
    ]
    nodes = np.concatenate(parts)
    return (nodes if len(few) == 1 else np.unique(nodes)), False
