"""The scheduler's account in the cluster, made from the shipped manifests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.api import Api, read_manifests
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.pod_groups import DEFINITION, is_served
from tests.real.relay import Relay
from tests.real.storage import Storage

MANIFESTS = Path(__file__).parents[2] / "configs" / "kubernetes"


@pytest.fixture(scope="session")
def scheduler_token(control_plane: ControlPlane) -> str:
    """Apply rbac.yaml; give a token of its ServiceAccount, as its pods get it."""
    control_plane.ensure_api_server()
    control_plane.admin.apply(read_manifests(MANIFESTS / "rbac.yaml"))
    return control_plane.service_account_token("kube-system", "isochrone")


@pytest.fixture
def scheduler_account(cluster: Cluster, scheduler_token: str) -> Iterator[Api]:
    """Give the scheduler's own way to the API server."""
    account = cluster.control_plane.account(scheduler_token)
    yield account
    account.close()


@pytest.fixture
def relay(cluster: Cluster) -> Iterator[Relay]:
    """Give a relay to the API server that has no faults yet."""
    with Relay(cluster.control_plane) as running:
        yield running


@pytest.fixture
def kubeconfig(cluster: Cluster, scheduler_token: str) -> Path:
    """Give the scheduler's account, with the shipped rights."""
    return cluster.control_plane.kubeconfig("scheduler", token=scheduler_token)


@pytest.fixture
def relayed(cluster: Cluster, relay: Relay, scheduler_token: str) -> Path:
    """Give the scheduler's account, by way of the relay."""
    return cluster.control_plane.kubeconfig("relayed", token=scheduler_token, server=relay.url)


@pytest.fixture
def storage(cluster: Cluster) -> Iterator[Storage]:
    """Give a test two storage classes of its own."""
    made = Storage(cluster)
    yield made
    cluster.control_plane.ensure_api_server()
    made.remove()


@pytest.fixture
def admin(cluster: Cluster) -> Path:
    """Give an account that may do everything."""
    return cluster.control_plane.kubeconfig("judge")


@pytest.fixture
def definition(cluster: Cluster) -> Iterator[None]:
    """Have PodGroups of Coscheduling defined, as long as a test runs."""
    [manifest] = read_manifests(DEFINITION)
    cluster.api.apply([manifest])
    cluster.wait_until(lambda: is_served(cluster.api, cluster.namespace), "they are served")
    yield
    cluster.control_plane.ensure_api_server()
    path = cluster.api.path_of(manifest)
    cluster.api.delete(path)
    # Groups are deleted with it, and it cannot be made anew before.
    cluster.wait_until(lambda: not cluster.api.is_there(path), "the definition is gone")
