"""The files of `plan`, `explain` and their kin, read into one snapshot."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from scheduler.domain.errors import InputError
from scheduler.domain.node import Node
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.domain.zone import ZoneTree
from scheduler.files.manifests import Manifests, read_manifests
from scheduler.files.matrices import read_rtt
from scheduler.files.nodes import read_nodes
from scheduler.placement.settings import OFFLINE_EFFORT, EffortSettings
from scheduler.service.settings import SchedulerConfiguration, load_settings
from telemetry.model import RttMatrix, empty_rtt


@dataclass(frozen=True, slots=True)
class InputFiles:
    """Paths as given on the command line."""

    nodes: Path
    pods: Path
    delay_matrix: Path | None = None
    metadata: Path | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class LiveFiles:
    """Paths that go with a live cluster, which itself says what nodes and pods there are."""

    delay_matrix: Path | None = None
    metadata: Path | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the files hold: the ground of one decision.

    `warnings` are sentences on what has no effect.
    """

    snapshot: ClusterSnapshot
    settings: SchedulerConfiguration
    warnings: tuple[str, ...] = ()

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All pods there are: to be placed, held, and bound."""
        snapshot = self.snapshot
        return (*snapshot.pending, *snapshot.held, *snapshot.placed.pods)


def optional_files(
    nodes: Path | None,
    pods: Path | None,
    delay_matrix: Path | None,
    metadata: Path | None,
    config: Path | None,
) -> InputFiles | None:
    """Return the files, or None where none is given.

    Raises
    ------
    InputError
        If some are given, but not both nodes and pods.
    """
    if nodes is None and pods is None and delay_matrix is None and metadata is None:
        return None
    if nodes is None or pods is None:
        missing = "--nodes" if nodes is None else "--pods"
        raise InputError("command line", f"{missing} is missing", "give both --nodes and --pods")
    return InputFiles(nodes, pods, delay_matrix, metadata, config)


def chosen_inputs(
    kubeconfig: Path | None,
    nodes: Path | None,
    pods: Path | None,
    delay_matrix: Path | None,
    metadata: Path | None,
    *,
    config: Path | None,
) -> Callable[[], Inputs]:
    """Return how to read what the options name: a live cluster, or files.

    Raises
    ------
    InputError
        If they name both, or neither.
    """
    if kubeconfig is None:
        if nodes is None or pods is None:
            missing = "--nodes" if nodes is None else "--pods"
            fix = "give both --nodes and --pods, or --kubeconfig"
            raise InputError("command line", f"{missing} is missing", fix)
        return partial(read_inputs, InputFiles(nodes, pods, delay_matrix, metadata, config))
    if nodes is not None or pods is not None:
        both = "--kubeconfig goes without --nodes and --pods"
        raise InputError("command line", both, "the cluster says what nodes and pods there are")
    return partial(read_live, kubeconfig, LiveFiles(delay_matrix, metadata, config))


def read_inputs(files: InputFiles) -> Inputs:
    """Read all files into a snapshot.

    Raises
    ------
    InputError
        If one of them cannot be read, or they do not belong together.
    """
    settings = _offline(load_settings(files.config))
    nodes = read_nodes(files.nodes)
    manifests = read_manifests(files.pods)
    rtt = _rtt(files, nodes, str(files.nodes))
    held = tuple(pod for pod in manifests.pods if pod.is_gated)
    pending = tuple(pod for pod in manifests.pods if not pod.is_gated)
    snapshot = build_snapshot(
        nodes,
        pending,
        placed=manifests.bound,
        terminating=manifests.terminating,
        held=held,
        services=manifests.services,
        rtt=rtt,
        zones=_zones(rtt, pending, settings),
    )
    return Inputs(snapshot, settings, (*manifests.warnings, *_lost(files, nodes, manifests)))


def read_live(kubeconfig: Path, files: LiveFiles) -> Inputs:
    """Read a live cluster's nodes, pods and Services once, and the matrix from files.

    Up for decision are the pods that wait for the scheduler's name; nothing is written.

    Raises
    ------
    InputError
        If a file cannot be read, or the server refuses.
    ClusterUnavailable
        If the server does not answer.
    """
    from scheduler.kube.client import connected  # noqa: PLC0415 - only here is the client loaded
    from scheduler.kube.listing import ClusterListing, list_cluster  # noqa: PLC0415 - as above

    async def listed() -> ClusterListing:
        async with connected(kubeconfig) as client:
            return await list_cluster(client)

    settings = _offline(load_settings(files.config))
    listing = asyncio.run(listed())
    rtt = _rtt(files, listing.nodes, str(kubeconfig))
    found = listing.snapshot(settings.scheduler_name, rtt=rtt)
    zones = _zones(rtt, found.pending, settings)
    snapshot = found if zones is None else replace(found, zones=zones)
    return Inputs(snapshot, settings)


def _offline(settings: SchedulerConfiguration) -> SchedulerConfiguration:
    """Give the default effort more work: a person waits for the best plan, no queue does."""
    if settings.placement.effort != EffortSettings():
        return settings
    placement = msgspec.structs.replace(settings.placement, effort=OFFLINE_EFFORT)
    return msgspec.structs.replace(settings, placement=placement)


def _rtt(files: InputFiles | LiveFiles, nodes: tuple[Node, ...], nodes_at: str) -> RttMatrix:
    if files.delay_matrix is not None:
        names = [node.name for node in nodes]
        return read_rtt(files.delay_matrix, files.metadata, names, nodes_at)
    if files.metadata is not None:
        raise InputError("command line", "--metadata names no matrix", "give --delay-matrix too")
    return empty_rtt()


def _zones(
    rtt: RttMatrix, pending: tuple[Pod, ...], settings: SchedulerConfiguration
) -> ZoneTree | None:
    """Return the zones where some workload has replicas to spread over them."""
    replicas = Counter(pod.pod_class.workload for pod in pending if pod.pod_class.workload)
    if not (settings.clustering.enabled and rtt.nodes and any(n > 1 for n in replicas.values())):
        return None
    # Loading scikit-learn takes longer than planning a thousand pods.
    from scheduler.topology.layers import zone_tree  # noqa: PLC0415 - see above

    return zone_tree(rtt, settings.clustering.diameters_us)


def _lost(files: InputFiles, nodes: tuple[Node, ...], manifests: Manifests) -> tuple[str, ...]:
    names = {node.name for node in nodes}
    return tuple(
        f"{files.pods}: {pod.display_name} runs on {node}, which {files.nodes} does not have"
        for pod, node in manifests.bound
        if node not in names
    )
