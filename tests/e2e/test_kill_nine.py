"""Processes killed in the middle of work, schedulers, API server and etcd: nothing is lost.

On a control plane of its own, so that no other test sees its servers die. `make kill-nine` runs
many more such episodes, and prints how long recovery took.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.needed import need
from tests.real import programs
from tests.real.control_plane import ControlPlane
from tests.real.kill_nine import rig
from tests.real.kills import BY_NAME, run_episode

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

EPISODES = [
    ("scheduler", 1),
    ("scheduler", 2),
    ("leader", 1),
    ("api-server", 1),
    ("api-server", 2),
    ("etcd", 2),
    ("several", 7),
]
"""What is killed, and the seed. After a leader a Lease must run out: that once is enough. The last
kills one scheduler, API server and etcd.
"""

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def own_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a control plane that nobody else uses."""
    need(programs.missing())
    with rig(tmp_path_factory.mktemp("kills")) as plane:
        yield plane


@pytest.mark.parametrize(("killed", "seed"), EPISODES)
def test_no_pod_is_lost_or_bound_twice_where_processes_are_killed(
    own_plane: ControlPlane,
    tmp_path: Path,
    killed: str,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    outcome = run_episode(own_plane, BY_NAME[killed], seed, tmp_path, tell=log.info)
    record_property("recovery_s", outcome.recovery_s)

    assert outcome.violations == ()
    assert outcome.bound > 0
