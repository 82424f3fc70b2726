"""Loads of covered pods, exact: what each failure would bring to each node."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Sums over covered pods, one row for each pair of failure unit and backup node.

    Parameters
    ----------
    unit, node
        Shape ``(k,)``; sorted by node, then unit; no pair twice.
    amounts
        Shape ``(k, r)``.
    """

    unit: Ints
    node: Ints
    amounts: Ints

    def reserves(self, n: int) -> Ints:
        """Return the worst single failure on each of `n` nodes, shape ``(n, r)``."""
        out = np.zeros((n, self.amounts.shape[1]), dtype=np.int64)
        np.maximum.at(out, self.node, self.amounts)
        return out


def loads_of(unit: Ints, backup: Ints, demand: Ints) -> Loads:
    """Return the loads of pods with a backup.

    Parameters
    ----------
    unit, backup
        Shape ``(p,)``: failure unit of each pod's host, and its backup node.
    demand
        Shape ``(p, r)``.
    """
    order = np.lexsort((unit, backup))
    unit, backup, demand = unit[order], backup[order], demand[order]
    if not len(unit):
        return Loads(unit, backup, demand)
    is_first = np.ones(len(unit), dtype=np.bool_)
    is_first[1:] = (unit[1:] != unit[:-1]) | (backup[1:] != backup[:-1])
    starts = np.flatnonzero(is_first)
    return Loads(unit[starts], backup[starts], np.add.reduceat(demand, starts, axis=0))


def joined(loads: Loads | None, more: Loads) -> Loads:
    """Return two sums of loads as one."""
    if loads is None or not len(loads.unit):
        return more
    return loads_of(
        np.concatenate([loads.unit, more.unit]),
        np.concatenate([loads.node, more.node]),
        np.concatenate([loads.amounts, more.amounts]),
    )
