"""Of a reference's unmeasured pairs, those believed nearest are measured first."""

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.service.first_probes import FIRST, FIT_S, FirstProbes
from telemetry.estimate import Estimates, RobustFactors
from telemetry.model import UNKNOWN_US, RttMatrix, RttTable
from tests.builders import node

NAMES = tuple(f"n{k}" for k in range(60))


def snapshot(*unmeasured: int) -> ClusterSnapshot:
    """Return nodes on a line, 1 ms apart; n0 has not measured the numbered ones."""
    at = np.arange(len(NAMES))
    rtt_us = (1_000 * np.abs(at[:, None] - at[None, :])).astype(np.int32)
    for k in unmeasured:
        rtt_us[0, k] = rtt_us[k, 0] = UNKNOWN_US
    return build_snapshot([node(name) for name in NAMES], [], rtt=RttMatrix(NAMES, rtt_us))


class Counting:
    """The true estimator, counted."""

    def __init__(self) -> None:
        self.fits = 0

    def fit(self, rtt: RttTable, rng: np.random.Generator) -> Estimates:
        self.fits += 1
        return RobustFactors().fit(rtt, rng)


def test_the_nearest_unmeasured_nodes_come_first() -> None:
    found = FirstProbes(RobustFactors()).near(snapshot(*range(20, 60)), frozenset({"n0"}), 0.0)
    numbers = sorted(int(name[1:]) for name in found["n0"])
    assert len(numbers) == FIRST
    assert max(numbers) < 50, "nodes at the far end come before near ones"


def test_a_reference_that_has_measured_all_asks_for_nothing_and_nothing_is_fitted() -> None:
    counting = Counting()
    assert FirstProbes(counting).near(snapshot(), frozenset({"n0", "gone"}), 0.0) == {}
    assert counting.fits == 0


def test_it_is_fitted_anew_once_a_while_not_at_every_look() -> None:
    counting = Counting()
    probes = FirstProbes(counting)
    for now_s in (0.0, 2.0, FIT_S - 1, FIT_S + 1):
        probes.near(snapshot(30), frozenset({"n0"}), now_s)
    assert counting.fits == 2
