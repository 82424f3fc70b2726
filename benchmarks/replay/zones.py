"""Zones over all snapshots: how many nodes change theirs from one to the next.

As the service keeps them: the tree of the median of the last five tables, repaired from the tree
before. A node moves when its zone has another name than before.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay.snapshots import matrix, truths
from scheduler.domain.zone import ZoneTree
from scheduler.topology.layers import zone_tree
from telemetry.median import KEPT, median_rtt
from telemetry.symmetric import SymmetricRtt, symmetric


@dataclass(frozen=True, slots=True)
class Moves:
    """Share of nodes that move a snapshot: the mean and the most, and zones, first and last."""

    max_rtt_us: int
    mean_share: float
    most_share: float
    zones_first: int
    zones_last: int


def moves(
    diameters_us: tuple[int, ...], *, is_median: bool = True, is_sticky: bool = True
) -> tuple[Moves, ...]:
    """Return what moves in each layer, over all snapshots.

    Parameters
    ----------
    diameters_us
        One a layer, microseconds.
    is_median
        Cluster the median of the last five tables, or the last one alone.
    is_sticky
        Repair the tree before, or cluster from scratch and hand names on.
    """
    tables: deque[SymmetricRtt] = deque(maxlen=KEPT if is_median else 1)
    trees: list[ZoneTree] = []
    for truth in truths():
        tables.append(symmetric(matrix(truth)))
        previous = trees[-1] if trees else None
        tree = zone_tree(median_rtt(tables), diameters_us, previous, is_afresh=not is_sticky)
        trees.append(tree)
    return tuple(_moved(trees, layer) for layer in range(len(diameters_us)))


def _moved(trees: list[ZoneTree], layer: int) -> Moves:
    names = [_names(tree, layer) for tree in trees]
    shares = [float((a != b).mean()) for a, b in pairwise(names)]
    first, last = (len(tree.layers[layer].names) for tree in (trees[0], trees[-1]))
    diameter_us = trees[0].layers[layer].max_rtt_us
    return Moves(diameter_us, float(np.mean(shares)), max(shares), first, last)


def _names(tree: ZoneTree, layer: int) -> NDArray[np.str_]:
    found = tree.layers[layer]
    return np.array(found.names)[found.zone_of]
