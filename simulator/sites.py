"""Sites: which nodes are close enough to stand in one place, and what the places are called.

The names are invented and claim no geography: the measured data has no places.
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

SITE_DIAMETER_US = 10_000
"""Nodes of a site are within 10 ms of each other: one town and its surroundings."""


def find_sites(rtt_us: NDArray[np.int32], diameter_us: int = SITE_DIAMETER_US) -> NDArray[np.int64]:
    """Group nodes into sites by complete linkage.

    Parameters
    ----------
    rtt_us
        Shape ``(n, n)``, microseconds; the larger of both directions counts, unknown pairs (< 0)
        are in different sites.
    diameter_us
        The largest RTT within a site.

    Returns
    -------
    ndarray of shape (n,)
        Site of each node, 0 the largest; of equals the one with the first node comes first.
    """
    n = len(rtt_us)
    if n < 2:  # noqa: PLR2004 - linkage wants a pair
        return np.zeros(n, dtype=np.int64)
    distance = np.maximum(rtt_us, rtt_us.T).astype(np.float64)
    distance[(rtt_us < 0) | (rtt_us.T < 0)] = np.inf
    distance = np.minimum(distance, 1e12)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "complete")
    labels = fcluster(tree, diameter_us, "distance")
    return by_size(labels.astype(np.int64))


def by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels numbered anew: 0 the most frequent; of equals, the one that comes first."""
    _, first, inverse, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    out: NDArray[np.int64] = rank[inverse]
    return out


def site_names(count: int) -> Sequence[str]:
    """Return `count` different names, always the same ones."""
    text = (files("simulator") / "data" / "site-names.txt").read_text(encoding="utf-8")
    names = [line for line in text.split() if line]
    rounds = -(-count // len(names))
    out = [name if k == 0 else f"{name}-{k + 1}" for k in range(rounds) for name in names]
    return out[:count]
