"""What telemetry promises, on the 18 PlanetLab snapshots, through the scheduler's own functions.

`benchmarks/bench_telemetry.py` prints the figures of larger samples; what the words mean stands in
`benchmarks/replay`.
"""

import numpy as np
import pytest

from benchmarks.replay.budgets import Rule, drift, some_pairs
from benchmarks.replay.verify import Replay, questions, tally
from benchmarks.replay.zones import moves
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.service.settings import ClusteringSettings

SEED = 41
NEAREST = CostSettings()
BY_LOAD = CostSettings(latency_weight=0, margin_weight=0)


@pytest.mark.parametrize("cost", [NEAREST, BY_LOAD], ids=["the nearest node", "the emptiest node"])
def test_nothing_that_was_measured_before_binding_is_beyond_its_budget(cost: CostSettings) -> None:
    replay = Replay(PlacementSettings(cost=cost))
    asked = questions(600, 0.3, np.random.default_rng(SEED))

    found = tally([replay.answer(question) for question in asked])

    assert found.false_admits == 0
    assert found.false_admits_unverified > 0  # or there was nothing to prevent
    assert found.mean_probes <= 1.15
    assert found.missed_share <= 0.001


def test_a_margin_is_preferred_and_never_asked_for() -> None:
    asked = list(questions(300, 0.3, np.random.default_rng(SEED)))
    found = []
    for cost in (CostSettings(latency_weight=0), BY_LOAD):
        replay = Replay(PlacementSettings(cost=cost))
        found.append(tally([replay.answer(question) for question in asked]))
    preferring, indifferent = found

    assert preferring.margin_share > indifferent.margin_share
    assert preferring.missed_share <= 0.001
    assert (
        preferring.mean_probes <= 1.15
    )  # jumps are what is refuted, and a margin does not see them


def test_running_pods_are_seldom_moved_and_seldom_wrongly() -> None:
    pairs = some_pairs(16, np.random.default_rng(SEED))

    found = drift(Rule(margin_percent=10, confirmations=3), pairs)

    assert found.judged > 20
    assert found.wrong_share <= 0.10
    assert found.per_thousand <= 1.5


def test_few_nodes_change_zone_from_one_snapshot_to_the_next() -> None:
    for layer in moves(ClusteringSettings().diameters_us):
        assert layer.mean_share <= 0.005
