"""Places on a plane whose distances are round-trip times, as nearly as a plane allows: to look at.

RTTs are no distances on a plane, and some not distances at all. What comes out is a picture for
people and proves nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.topology.rows import FAR_US, MeasuredRows
from telemetry.model import RttTable

_PIVOTS = 400
"""Nodes that are laid out by all their pairs; the others by their RTTs to these."""

_ROUNDS = 120
_FOLLOWERS_ROUNDS = 40
_CAP_QUANTILE = 0.97
"""A few nodes seconds away would leave all others a dot: farther pairs are drawn as far as this."""

_MUCH = 1.5

_LEAST_MS = 2.0
"""Pairs nearer than this weigh no more than such ones."""

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Nodes on a plane.

    Parameters
    ----------
    rows
        Shape ``(m,)``: rows of the RTT table that are drawn; nodes nobody measured are not.
    at_ms
        Shape ``(m, 2)``, milliseconds.
    cap_ms
        RTTs beyond this are drawn as this; infinite where there is none.
    median_error
        Of the pairs looked at, the median of the relative difference of drawn and measured.
    """

    rows: NDArray[np.int64]
    at_ms: Plane
    cap_ms: float
    median_error: float


def laid_out(rtt: RttTable, rng: np.random.Generator) -> Layout:
    """Return places for the measured nodes of a table.

    Parameters
    ----------
    rtt
        The larger of both directions counts; unknown pairs have no say.
    rng
        Chooses the pivots of large tables.

    Notes
    -----
    Stress majorisation from classical scaling; each pair's squared error weighs by one over its
    RTT, so that near nodes are near in the picture. de Leeuw, "Applications of convex analysis to
    multidimensional scaling", 1977. O(400 n) memory and O(400 n) time a round.
    """
    measured = MeasuredRows(rtt)
    m = len(measured)
    if m < 2:  # noqa: PLR2004 - there is nothing to arrange
        return Layout(measured.nodes, np.zeros((m, 2)), np.inf, 0.0)
    pivots = np.sort(rng.choice(m, min(m, _PIVOTS), replace=False))
    far_us = np.array([measured(int(k)) for k in pivots], dtype=np.float64)
    is_known = far_us < FAR_US
    is_known[np.arange(len(pivots)), pivots] = False
    cap_ms = _cap_ms(far_us[is_known] / 1_000)
    far_ms = np.minimum(far_us / 1_000, cap_ms)
    weight = np.where(is_known, 1 / np.maximum(far_ms, _LEAST_MS), 0.0)
    places = _settled(far_ms[:, pivots], weight[:, pivots])
    at_ms = places
    if len(pivots) < m:
        at_ms = _followers(far_ms.T, weight.T, places)
        at_ms[pivots] = places
    at_ms = _upright(at_ms)
    drawn = _distances(at_ms[pivots], at_ms)
    errors = np.abs(drawn - far_ms)[is_known] / np.maximum(far_ms[is_known], 1e-3)
    return Layout(measured.nodes, at_ms, cap_ms, float(np.median(errors)))


def _cap_ms(known_ms: NDArray[np.float64]) -> float:
    """Return where RTTs are cut off, if the farthest are much farther than the others."""
    cap_ms = float(np.quantile(known_ms, _CAP_QUANTILE))
    return cap_ms if known_ms.max() > _MUCH * cap_ms else np.inf


def _settled(far_ms: NDArray[np.float64], weight: NDArray[np.float64]) -> Plane:
    """Return places of least weighted squared error, from those of classical scaling."""
    count = len(far_ms)
    degrees = np.diag(weight.sum(axis=1) + 1e-9)
    inverse = np.linalg.pinv(degrees - weight, hermitian=True)
    at = _classical(far_ms)
    for _ in range(_ROUNDS):
        drawn = _distances(at, at)
        pull = np.divide(weight * far_ms, drawn, out=np.zeros((count, count)), where=drawn > 0)
        at = inverse @ (pull.sum(axis=1)[:, None] * at - pull @ at)
    return np.asarray(at)


def _classical(far_ms: NDArray[np.float64]) -> Plane:
    squares = (far_ms**2 + far_ms.T**2) / 2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    # Of equal eigenvalues any direction will do, but the same one each time.
    plane = vectors[:, -2:][:, ::-1] * np.sqrt(np.maximum(values[-2:][::-1], 1e-9))
    return np.asarray(plane)


def _followers(far_ms: NDArray[np.float64], weight: NDArray[np.float64], pivots: Plane) -> Plane:
    """Return places of nodes by their RTTs to pivots, each from the nearest pivot's place."""
    near = np.where(weight > 0, far_ms, np.inf).argmin(axis=1)
    at = pivots[near] + 1e-3
    total = np.maximum(weight.sum(axis=1), 1e-12)
    for _ in range(_FOLLOWERS_ROUNDS):
        drawn = np.maximum(_distances(at, pivots), 1e-9)
        pull = weight * far_ms / drawn
        at = (weight @ pivots + pull.sum(axis=1)[:, None] * at - pull @ pivots) / total[:, None]
    return np.asarray(at)


def _distances(some: Plane, others: Plane) -> NDArray[np.float64]:
    return np.hypot(
        some[:, 0][:, None] - others[:, 0][None, :], some[:, 1][:, None] - others[:, 1][None, :]
    )


def _upright(at: Plane) -> Plane:
    """Turn the widest direction to the horizontal and the first node to the upper left."""
    centred = at - at.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned = centred @ axes.T
    signs = np.where(turned[0] > 0, -1.0, 1.0)
    return np.asarray(turned * signs)
