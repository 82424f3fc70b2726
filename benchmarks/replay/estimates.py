"""Estimates from a few random probes a node, held against the rest of a snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay.snapshots import matrix, truths
from telemetry.estimate import RobustFactors
from telemetry.model import UNKNOWN_US, RttTable

PROBES = (8, 16, 32)
_NEAREST = 20


@dataclass(frozen=True, slots=True)
class Errors:
    """Relative errors of unmeasured pairs, and what else there is to say of estimates.

    `covered` is the share of pairs within their upper bound, `nearest` the share of the twenty
    nearest unmeasured nodes that are among the sixty estimated nearest. `fit_s` is for people.
    """

    median: float
    p90: float
    covered: float
    nearest: float
    fit_s: float


def errors(probes: int, snapshot: int, seed: int) -> Errors:
    """Return the errors of the estimator at so many probes a node."""
    truth, seen = _seen(probes, snapshot, seed)
    started_s = perf_counter()
    estimates = RobustFactors().fit(seen, np.random.default_rng(seed))
    fit_s = perf_counter() - started_s
    return _compared(truth, seen, estimates.row, fit_s)


def reference_errors(probes: int, snapshot: int, seed: int) -> Errors:
    """Return the errors of the shortest detour through a third node: the plainest estimate."""
    truth, seen = _seen(probes, snapshot, seed)
    started_s = perf_counter()
    far = np.array([seen.farther(i) for i in range(len(truth))], dtype=np.float64)
    far[far == UNKNOWN_US] = np.inf
    bounds = np.array([(far[i][:, None] + far).min(axis=0) for i in range(len(truth))])
    typical = np.median(far[np.isfinite(far)])
    bounds = np.where(np.isfinite(bounds), bounds, typical).astype(np.int32)
    fit_s = perf_counter() - started_s
    return _compared(truth, seen, lambda i: (bounds[i], bounds[i]), fit_s)


def _seen(probes: int, snapshot: int, seed: int) -> tuple[NDArray[np.int32], RttTable]:
    truth, rng = truths()[snapshot], np.random.default_rng(seed)
    n = len(truth)
    is_seen = np.zeros((n, n), dtype=np.bool_)
    for i in range(n):
        is_seen[i, (i + 1 + rng.choice(n - 1, probes, replace=False)) % n] = True
    return truth, matrix(np.where(is_seen, truth, UNKNOWN_US).astype(np.int32))


def _compared(
    truth: NDArray[np.int32],
    seen: RttTable,
    row: Callable[[int], tuple[NDArray[np.int32], NDArray[np.int32]]],
    fit_s: float,
) -> Errors:
    off, covered, nearest = [], [], []
    for i in range(len(truth)):
        gaps = np.flatnonzero(seen.from_node(i) == UNKNOWN_US)
        guess, upper = (values[gaps] for values in row(i))
        real = truth[i, gaps]
        off.append(np.abs(guess - real) / real)
        covered.append(real <= upper)
        found = set(np.argsort(guess, kind="stable")[: 3 * _NEAREST].tolist())
        wanted = np.argsort(real, kind="stable")[:_NEAREST].tolist()
        nearest.append(len(found & set(wanted)) / _NEAREST)
    errors = np.concatenate(off)
    return Errors(
        float(np.median(errors)),
        float(np.quantile(errors, 0.9)),
        float(np.concatenate(covered).mean()),
        float(np.mean(nearest)),
        fit_s,
    )
