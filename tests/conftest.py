"""Settings every test shares."""

import asyncio
import itertools
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.needed import need
from tests.parity import oracle_process
from tests.parity.oracle_process import OracleProcess, oracle_path
from tests.real import programs
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane

# Tests talk to servers on loopback; a proxy of the environment must not get in between.
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = "127.0.0.1,localhost,::1"

# No test compares wall-clock times, Hypothesis' own deadline included: the machines are shared.
# Derandomized, so that a run can be repeated; a failing example belongs into a test of its own.
settings.register_profile("isochrone", deadline=None, derandomize=True, database=None)
settings.load_profile("isochrone")

# pytest-asyncio asks for the current event loop and puts it back; before Python 3.14 asking makes
# one where none is set, which nobody closes: a ResourceWarning, and warnings are errors.
asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a real control plane, one for all tests that use it.

    Mark those ``e2e`` and ``xdist_group("control-plane")``: then one worker runs them all.
    """
    need(programs.missing())
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture(scope="session")
def oracle() -> Iterator[OracleProcess]:
    """Run kube-scheduler's own filters, one process for all tests that ask it."""
    need(oracle_process.missing())
    with OracleProcess(oracle_path()) as running:
        yield running


_namespaces = (f"e2e-{number}" for number in itertools.count(1))


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    """Give a test a namespace, and a cluster without nodes; the API server runs."""
    control_plane.ensure_api_server()
    own = Cluster(control_plane, next(_namespaces))
    yield own
    own.remove()
