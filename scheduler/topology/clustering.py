"""Clusters of bounded diameter."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scheduler.topology.rows import FAR_US, RowOf, between_groups

Linkage = Literal["complete", "average"]

DIRECT_ITEMS = 2_000
"""Largest connected group that is clustered as a whole: 0.3 s and 100 MB in scikit-learn."""

_CELL_SHARES = (4, 2, 1)
"""Diameters of the cells a larger group is first cut into: a quarter, a half, all of the zone's."""


def cluster_by_rtt(
    rtt_us: NDArray[np.integer], *, max_rtt_us: int, linkage: Linkage = "complete"
) -> NDArray[np.int64]:
    """Label each item with its cluster.

    With complete linkage every pair in a cluster is within `max_rtt_us`; with average linkage only
    the mean pair is.

    Parameters
    ----------
    rtt_us
        Shape ``(n, n)``, symmetric, microseconds; a negative value is an unknown pair, which counts
        as farther than anything.
    max_rtt_us
        Diameter of a cluster, microseconds; a pair at exactly that distance may share one.
    linkage
        How the distance between two groups is measured.

    Returns
    -------
    ndarray of shape (n,)
        Labels ``0 .. n_clusters - 1``, numbered by first item.

    Raises
    ------
    ValueError
        If the matrix is not square or `max_rtt_us` is not positive.

    Notes
    -----
    O(n²) time and memory, per connected part of the graph of near pairs: complete linkage never
    joins across parts, so that cutting along them changes nothing. Müllner, "Modern hierarchical,
    agglomerative clustering algorithms", 2011.
    """
    n = len(rtt_us)
    if rtt_us.shape != (n, n):
        raise ValueError(f"a matrix of shape {rtt_us.shape} is not square")
    if max_rtt_us <= 0:
        raise ValueError(f"a diameter of {max_rtt_us} us is not positive")
    far = np.where(rtt_us < 0, FAR_US, rtt_us)
    if linkage == "average":
        return by_first_item(_agglomerated(far, max_rtt_us, linkage))
    labels = np.full(n, -1, dtype=np.int64)
    for part in _connected(far.__getitem__, n, max_rtt_us):
        within = far[np.ix_(part, part)]
        is_one = within.max() <= max_rtt_us
        found = np.zeros(len(part), dtype=np.int64)
        if not is_one:
            found = _agglomerated(within, max_rtt_us, linkage)
        labels[part] = found + labels.max(initial=-1) + 1
    return by_first_item(labels)


def cluster_items(row_of: RowOf, n_items: int, max_rtt_us: int) -> NDArray[np.int64]:
    """Label each item by complete linkage, reading rows instead of holding a matrix.

    Equal to `cluster_by_rtt` where no connected part exceeds `DIRECT_ITEMS`. A larger part is first
    cut into cells, each checked pair by pair, and its cells are clustered by their farthest pairs:
    the diameter is exact all the same, only the choice of neighbours is coarser.

    Parameters
    ----------
    row_of
        Distances from an item to all items, microseconds.
    n_items
        Number of items.
    max_rtt_us
        Diameter of a cluster, microseconds.

    Returns
    -------
    ndarray of shape (n_items,)
        Labels, numbered by first item.
    """
    labels = np.full(n_items, -1, dtype=np.int64)
    every = np.arange(n_items, dtype=np.int64)
    parts = [every] if n_items <= DIRECT_ITEMS else _connected(row_of, n_items, max_rtt_us)
    for part in parts:
        found = _cluster_part(row_of, part, max_rtt_us)
        labels[part] = found + labels.max(initial=-1) + 1
    return by_first_item(labels)


def by_first_item(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the same clusters, numbered in the order of their first items."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _cluster_part(row_of: RowOf, part: NDArray[np.int64], max_rtt_us: int) -> NDArray[np.int64]:
    def row_in_part(k: int) -> NDArray[np.int32]:
        return row_of(int(part[k]))[part]

    if len(part) <= DIRECT_ITEMS:
        return _cluster_rows(row_in_part, len(part), max_rtt_us)
    cells = np.arange(len(part), dtype=np.int64)
    n_cells = len(part)
    for share in _CELL_SHARES:
        cells = _cells(row_in_part, len(part), max(1, max_rtt_us // share))
        n_cells = int(cells.max()) + 1
        if n_cells <= DIRECT_ITEMS:
            joined = _cluster_rows(between_groups(row_in_part, cells, n_cells), n_cells, max_rtt_us)
            return joined[cells]
    return cells  # so scattered that whole zones are many: cells of full diameter are the zones


def _cluster_rows(row_of: RowOf, n_items: int, max_rtt_us: int) -> NDArray[np.int64]:
    if n_items == 0:
        return np.zeros(0, dtype=np.int64)
    rows = np.stack([row_of(k) for k in range(n_items)])
    return cluster_by_rtt(rows, max_rtt_us=max_rtt_us)


def _connected(row_of: RowOf, n_items: int, max_rtt_us: int) -> list[NDArray[np.int64]]:
    """Return the connected parts of the graph of pairs within `max_rtt_us`; each row read once."""
    is_left = np.ones(n_items, dtype=np.bool_)
    parts: list[NDArray[np.int64]] = []
    for first in range(n_items):
        if not is_left[first]:
            continue
        is_left[first] = False
        part = [first]
        for item in part:  # grows while it is walked
            near = np.flatnonzero(is_left & (row_of(item) <= max_rtt_us))
            is_left[near] = False
            part.extend(near.tolist())
        parts.append(np.array(sorted(part), dtype=np.int64))
    return parts


def _cells(row_of: RowOf, n_items: int, max_rtt_us: int) -> NDArray[np.int64]:
    """Gather items round leaders, nearest first, each checked against all in its cell."""
    cell_of = np.full(n_items, -1, dtype=np.int64)
    n_cells = 0
    for leader in range(n_items):
        if cell_of[leader] >= 0:
            continue
        row = row_of(leader)
        fits = (cell_of < 0) & (row <= max_rtt_us)
        nearest_first = np.flatnonzero(fits)
        for item in nearest_first[np.argsort(row[nearest_first], kind="stable")].tolist():
            if fits[item]:
                cell_of[item] = n_cells
                fits &= row_of(item) <= max_rtt_us
        cell_of[leader] = n_cells
        n_cells += 1
    return cell_of


def _agglomerated(far: NDArray[np.integer], max_rtt_us: int, linkage: Linkage) -> NDArray[np.int64]:
    if len(far) < 2:  # noqa: PLR2004 - scikit-learn asks for at least two
        return np.zeros(len(far), dtype=np.int64)
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - takes seconds to load

    model = AgglomerativeClustering(
        n_clusters=None,
        metric="precomputed",
        linkage=linkage,
        # Merged below the threshold only, while a pair at the diameter itself is within it.
        distance_threshold=max_rtt_us + 0.5,
    )
    return np.asarray(model.fit_predict(far.astype(np.float64)), dtype=np.int64)
