"""Broken schedulers are caught, each by the rule it breaks; and so is a rule broken in words."""

import time
from collections.abc import Callable

import pytest
from kubernetes.aio.leaderelection import leaderelection

from tests.faults.episode import run_episode
from tests.faults.kinds.every import BY_NAME
from tests.faults.mutants import (
    BelievesErrors,
    BelievesRefusals,
    BindsTwice,
    EvictsAtWill,
    MissesDeletions,
    Mutated,
    SaysNothing,
    with_cluster,
    without_budgets,
)
from tests.faults.world import Staging

SEEDS = range(1, 9)


@pytest.mark.parametrize(
    ("fault", "change", "rule"),
    [
        pytest.param("none", with_cluster(BindsTwice), "doubled", id="binds twice"),
        pytest.param("5xx", with_cluster(BelievesErrors), "cache", id="forgets pods after a 5xx"),
        pytest.param("conflict", with_cluster(BelievesRefusals), "cache", id="believes refusals"),
        pytest.param("none", with_cluster(MissesDeletions), "cache", id="misses deletions"),
        pytest.param("none", with_cluster(SaysNothing), "lost", id="says nothing"),
        pytest.param("none", with_cluster(EvictsAtWill), "moved", id="evicts at will"),
        pytest.param("none", without_budgets, "budget", id="ignores budgets"),
    ],
)
def test_a_broken_scheduler_is_caught(
    fault: str, change: Callable[[Staging], Staging], rule: str
) -> None:
    broken = Mutated(BY_NAME[fault], change)

    caught = any(run_episode(broken, seed).count(rule) for seed in SEEDS)

    assert caught


def test_outside_an_episode_the_librarys_election_reads_the_true_clock() -> None:
    run_episode(BY_NAME["none"], 1)

    assert vars(leaderelection)["time"] is time
