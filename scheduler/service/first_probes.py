"""What to measure first from a reference whose pairs are not all known: the nearest, by estimate.

A delay is asked for near things, and a new reference has hundreds of pairs nobody has measured. An
estimate says which of them are worth the first seconds; it admits nobody. The agent measures all of
them in time anyway.
"""

from collections.abc import Mapping

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from telemetry.estimate import Estimates, Estimator, nearest_unmeasured
from telemetry.model import UNKNOWN_US

FIRST = 16
"""Nodes a reference: 48 packets, five seconds at ten packets a second."""

LARGEST = 2_000
"""Nodes up to which a fit takes two seconds of a thread; above, the order is the agent's own."""

FIT_S = 60.0
"""Between two fits."""

_SEED = 20_230
"""Of the folds that calibrate the estimate's bound; any will do."""


class FirstProbes:
    """Ranks unmeasured pairs. For use in one thread at a time.

    Parameters
    ----------
    estimator
        Fills the table's gaps with guesses.
    """

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self._fitted: tuple[float, Estimates] | None = None

    def near(
        self, snapshot: ClusterSnapshot, references: frozenset[str], now_s: float
    ) -> Mapping[str, frozenset[str]]:
        """Return by reference the unmeasured nodes that are believed nearest, `FIRST` at most.

        Parameters
        ----------
        snapshot
            As it is now.
        references
            Names of nodes.
        now_s
            Seconds, for when to fit anew.
        """
        rtt = snapshot.rtt
        rows = {name: rtt.index[name] for name in references if name in rtt.index}
        gappy = [n for n, row in rows.items() if (rtt.from_node(row) == UNKNOWN_US).any()]
        if not gappy or not 1 < len(rtt.nodes) <= LARGEST:
            return {}
        estimates = self._estimates(snapshot, now_s)
        out = {}
        for name in gappy:
            first = nearest_unmeasured(estimates, rtt, rows[name])[:FIRST]
            out[name] = frozenset(rtt.nodes[row] for row in first.tolist())
        return out

    def _estimates(self, snapshot: ClusterSnapshot, now_s: float) -> Estimates:
        fitted = self._fitted
        is_old = fitted is None or now_s - fitted[0] >= FIT_S
        if fitted is None or is_old or fitted[1].nodes != snapshot.rtt.nodes:
            rng = np.random.default_rng(_SEED)
            fitted = self._fitted = (now_s, self._estimator.fit(snapshot.rtt, rng))
        return fitted[1]
