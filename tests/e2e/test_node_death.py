"""A node dies under load: its pods are bound elsewhere at once, and it returns in peace.

`python -m tests.real.node_death` does the same fifty times, and prints how long it took. Figures
are logged (``--log-cli-level=INFO``) and are properties of the JUnit report.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.real.cluster import Cluster
from tests.real.death import Death
from tests.real.deaths import deadly
from tests.real.edge_load import edge_load

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

SEED = 1
REPETITIONS = 5
WITHIN_S = 2.0

log = logging.getLogger(__name__)


def assert_on_backup(death: Death) -> None:
    """Hold a repetition to backups: each pod with a budget had one, and its successor is there."""
    assert death.covered
    assert death.uncovered == []
    assert death.unplaced == []
    assert death.unkept() == []
    assert death.slowest_on_backup_s <= WITHIN_S
    assert death.away == [], "who came back from a failure can be covered as before"


def test_pods_of_a_dead_node_are_bound_within_their_budgets_and_none_is_doubled_by_its_return(
    cluster: Cluster,
    kubeconfig: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    rng = np.random.default_rng(SEED)
    with deadly(cluster, edge_load(SEED), kubeconfig, tmp_path) as deaths:
        for number in range(REPETITIONS):
            death = deaths.repeat(deaths.choose(rng))
            record_property(f"slowest_binding_{number}_s", death.slowest_s)
            log.info("%s: %s, bound after %s s", death.node, death.phases, death.slowest_s)

            assert death.faults == []
            assert_on_backup(death)

        assert deaths.rest() == []
        for bug in ("plan.rejected", "plan.failed", "cycle.failed", "binding.failed"):
            assert deaths.scheduler.lines(bug) == []
