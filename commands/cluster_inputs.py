"""A live cluster listed once, read only, with a matrix from files."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from commands.ground import Inputs, offline, zones_where_needed
from scheduler.domain.errors import InputError
from scheduler.domain.node import Node
from scheduler.kube.client import KubeClient, connected
from scheduler.kube.listing import ClusterListing, list_cluster, list_objects
from scheduler.objects.node import read_node
from scheduler.service.settings import load_settings
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix, empty_rtt
from telemetry.sources.file import read_matrix

_T = TypeVar("_T")
_NODES = "/api/v1/nodes"
_FEW = 5


@dataclass(frozen=True, slots=True)
class LiveCluster:
    """Which cluster, and the files that go with it."""

    kubeconfig: Path
    context: str | None = None
    delay_matrix: Path | None = None
    metadata: Path | None = None
    config: Path | None = None

    def asked(self, question: Callable[[KubeClient], Awaitable[_T]]) -> _T:
        """Return the answer to a question.

        Raises
        ------
        InputError
            If the kubeconfig cannot be read, or the server refuses.
        ClusterUnavailable
            If the server does not answer.
        """

        async def ask() -> _T:
            async with connected(self.kubeconfig, context=self.context) as client:
                return await question(client)

        return asyncio.run(ask())


def read_live(cluster: LiveCluster) -> Inputs:
    """Read a live cluster. Up for decision are the pods that wait for the scheduler's name.

    Raises
    ------
    InputError
        If a file cannot be read, or the server refuses.
    ClusterUnavailable
        If the server does not answer.
    """
    return read_listing(cluster)[1]


def read_listing(cluster: LiveCluster) -> tuple[ClusterListing, Inputs]:
    """Return all that was listed, and the input of a decision made of it.

    Raises
    ------
    InputError, ClusterUnavailable
        As `read_live`.
    """
    settings = offline(load_settings(cluster.config))
    rtt = live_rtt(cluster)
    listing = cluster.asked(list_cluster)
    found = listing.snapshot(
        settings.scheduler_name, rtt=rtt, placeholders_in=settings.cover.placeholders.namespace
    )
    zones = zones_where_needed(rtt, found.pending, settings)
    snapshot = found if zones is None else replace(found, zones=zones)
    return listing, Inputs(snapshot, settings, tuple(differences(rtt, listing.nodes)))


def live_nodes(cluster: LiveCluster) -> tuple[Node, ...]:
    """List the nodes of a cluster alone.

    Raises
    ------
    InputError, ClusterUnavailable
        As `read_live`.
    """

    async def nodes(client: KubeClient) -> tuple[Node, ...]:
        return await list_objects(client, _NODES, read_node)

    return cluster.asked(nodes)


def live_rtt(cluster: LiveCluster) -> RttMatrix:
    """Read the matrix; without one, no pair is known.

    A cluster's nodes come and go, so the matrix need not name the same ones.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    if cluster.delay_matrix is None:
        if cluster.metadata is not None:
            raise InputError(
                "command line", "--metadata names no matrix", "give --delay-matrix too"
            )
        return empty_rtt()
    try:
        return read_matrix(cluster.delay_matrix, cluster.metadata)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None


def differences(rtt: RttMatrix, nodes: Sequence[Node]) -> list[str]:
    """Return what matrix and cluster do not have in common, in sentences."""
    if not rtt.nodes:
        return []
    names = {node.name for node in nodes}
    missing = sorted(name for name in names if name not in rtt.index)
    gone = [name for name in rtt.nodes if name not in names]
    out = []
    if missing:
        out.append(
            f"{rtt.source} does not measure {len(missing)} of the cluster's {len(names)} nodes: "
            f"{_few(missing)}; pods that ask for a delay are not placed there"
        )
    if gone:
        out.append(f"{rtt.source} names {len(gone)} that the cluster does not have: {_few(gone)}")
    return out


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"
