"""Estimates of pairs nobody measured, with an upper bound: to rank by, never to admit by.

A full matrix that is hours old beats every estimator fed with fresh sparse probes, so this is for
the cold start alone: which pairs are worth probing first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry.factors import fitted, observed
from telemetry.model import MAX_RTT_US, UNKNOWN_US, RttTable

_FOLD_SHARE = 0.1
"""Share of the measured pairs that one trial fit holds out, to calibrate the bound on."""

_ENOUGH_HELD = 2_000
"""Pairs held out by all trial fits together: with a few hundred, coverage strays by 3 points."""

_FOLDS = 5
_BINS = 6
_LEAST_A_BIN = 40
"""A 95 % quantile says little on fewer pairs; with fewer than one bin's there is no bound."""


class Estimates(Protocol):
    """Estimates of every pair of a table."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names, in the order of rows."""
        ...

    def row(self, i: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return RTTs from node `i` and their upper bounds, each of shape ``(n,)``, microseconds.

        A measured pair is returned as measured, in both. `UNKNOWN_US` where there is no estimate;
        in the bounds also where there is too little to calibrate them on.
        """
        ...


class Estimator(Protocol):
    """Fills the gaps of a table."""

    def fit(self, rtt: RttTable, rng: np.random.Generator) -> Estimates:
        """Return estimates of the pairs that `rtt` does not hold.

        Parameters
        ----------
        rtt
            What is measured; the larger of both directions counts.
        rng
            Chance: where the search starts and which pairs calibrate the bound.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """How many times its estimate an RTT is at most, by the size of the estimate.

    Parameters
    ----------
    edges_us
        Shape ``(b - 1,)``, ascending: where one bin of estimates ends and the next begins.
    ratio
        Shape ``(b,)``, each at least 1; empty without a bound.
    """

    edges_us: NDArray[np.float64]
    ratio: NDArray[np.float64]

    def over(self, estimate_us: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return the upper bounds of some estimates, microseconds; `UNKNOWN_US` without any."""
        if not len(self.ratio):
            return np.full(estimate_us.shape, UNKNOWN_US, dtype=np.int32)
        upper = estimate_us * self.ratio[np.searchsorted(self.edges_us, estimate_us, side="right")]
        return np.minimum(np.ceil(upper), MAX_RTT_US).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class FactorEstimates:
    """Estimates as products of two factors a node, computed a row at a time.

    Parameters
    ----------
    rtt
        The table that was fitted: its pairs stay as measured.
    left, right
        Shape ``(n, r)``.
    is_seen
        Shape ``(n,)``: nodes with any measurement; there is no estimate of the others.
    floor_us
        Least estimate: a product may come out below any distance there is.
    bound
        Calibrated on pairs that were held out of the fit.
    """

    rtt: RttTable
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    is_seen: NDArray[np.bool_]
    floor_us: float
    bound: Bound

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names, in the order of rows."""
        return self.rtt.nodes

    def row(self, i: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return RTTs from node `i` and their upper bounds, measured pairs as measured."""
        product = (self.left @ self.right[i] + self.right @ self.left[i]) / 2
        estimate = np.clip(product, self.floor_us, MAX_RTT_US)
        is_guessed = self.is_seen & self.is_seen[i]
        measured = self.rtt.from_node(i)
        is_measured = measured != UNKNOWN_US
        out = []
        for values in (np.rint(estimate).astype(np.int32), self.bound.over(np.rint(estimate))):
            guessed = np.where(is_guessed, values, np.int32(UNKNOWN_US))
            out.append(np.where(is_measured, measured, guessed).astype(np.int32))
        return out[0], out[1]


class RobustFactors:
    """Matrix factorisation that single outliers do not bend, with a split-conformal upper bound.

    Parameters
    ----------
    miss_share
        Share of pairs that may lie above their bound: 0.05 means that the bound covers 95 %.

    Notes
    -----
    `telemetry.factors` fits once with all pairs, to estimate, and up to five times without some, to
    calibrate the bound on those. The bound is honest for pairs as randomly chosen as the measured
    ones (Vovk et al., "Algorithmic Learning in a Random World", 2005); among pairs that were *not*
    probed because they are far, it is not. 0.1 to 0.4 s for 490 nodes; 12 s for 5,000 nodes of
    which a hundred pairs each or more are measured.
    """

    def __init__(self, miss_share: float = 0.05) -> None:
        self._miss_share = miss_share

    def fit(self, rtt: RttTable, rng: np.random.Generator) -> FactorEstimates:
        """Return estimates of the pairs that `rtt` does not hold."""
        pairs = observed(rtt, rng)
        floor_us = float(pairs.rtt_us.min()) if len(pairs) else 0.0
        guesses, truths = [np.zeros(0)], [np.zeros(0)]
        for is_held in _folds(len(pairs), rng):
            trial, held = fitted(pairs, ~is_held, rng), pairs.where(is_held)
            guesses.append(np.maximum(trial.of(held.rows, held.columns), floor_us))
            truths.append(held.rtt_us)
        guess = np.rint(np.concatenate(guesses))
        bound = calibrated(guess, np.concatenate(truths), self._miss_share)
        whole = fitted(pairs, np.ones(len(pairs), dtype=np.bool_), rng)
        is_seen = np.zeros(len(rtt.nodes), dtype=np.bool_)
        is_seen[pairs.rows] = is_seen[pairs.columns] = True
        return FactorEstimates(rtt, whole.left, whole.right, is_seen, floor_us, bound)


def calibrated(
    guess_us: NDArray[np.float64], truth_us: NDArray[np.float64], miss_share: float
) -> Bound:
    """Return the bound that all but `miss_share` of such pairs keep, bin by bin.

    Parameters
    ----------
    guess_us, truth_us
        Shape ``(k,)``: estimates of pairs that were not fitted, and what they measured.
    miss_share
        Share of pairs above the bound.
    """
    n_bins = min(_BINS, len(guess_us) // _LEAST_A_BIN)
    if not n_bins:
        return Bound(np.zeros(0), np.zeros(0))
    edges = np.quantile(guess_us, np.arange(1, n_bins) / n_bins)
    bin_of = np.searchsorted(edges, guess_us, side="right")
    ratio = np.ones(n_bins)
    for k in range(n_bins):
        scores = np.sort(truth_us[bin_of == k] / guess_us[bin_of == k])
        # The rank that makes the bound exact for one more pair; past the last, the last.
        rank = min(len(scores), int(np.ceil((len(scores) + 1) * (1 - miss_share))))
        ratio[k] = max(1.0, scores[rank - 1]) if len(scores) else np.inf
    return Bound(edges, ratio)


def nearest_unmeasured(estimates: Estimates, rtt: RttTable, i: int) -> NDArray[np.int64]:
    """Return the rows whose pair with `i` is not measured, those believed nearest first.

    Pairs without an estimate come last, in the order of rows: nothing speaks for them.
    """
    guess = estimates.row(i)[0]
    gaps = np.flatnonzero(rtt.from_node(i) == UNKNOWN_US)
    rank = np.where(guess[gaps] == UNKNOWN_US, np.iinfo(np.int32).max, guess[gaps])
    return gaps[np.argsort(rank, kind="stable")]


def _folds(number: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Yield which of so many pairs are held out, no pair twice."""
    share = int(number * _FOLD_SHARE)
    order = rng.permutation(number)
    folds = min(_FOLDS, -(-_ENOUGH_HELD // share)) if share else 0
    for k in range(folds):
        out = np.zeros(number, dtype=np.bool_)
        out[order[k * share : (k + 1) * share]] = True
        yield out
