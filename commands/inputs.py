"""The files of `plan`, `explain` and their kin, read into one snapshot."""

from dataclasses import dataclass
from pathlib import Path

from commands.ground import Inputs, offline, zones_where_needed
from scheduler.domain.errors import InputError
from scheduler.domain.node import Node
from scheduler.domain.snapshot import build_snapshot
from scheduler.files.manifests import Manifests, read_manifests
from scheduler.files.matrices import read_rtt
from scheduler.files.nodes import read_nodes
from scheduler.service.settings import load_settings
from telemetry.model import RttMatrix, empty_rtt


@dataclass(frozen=True, slots=True)
class InputFiles:
    """Paths as given on the command line."""

    nodes: Path
    pods: Path
    delay_matrix: Path | None = None
    metadata: Path | None = None
    config: Path | None = None


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


def read_inputs(files: InputFiles) -> Inputs:
    """Read all files into a snapshot.

    Raises
    ------
    InputError
        If one of them cannot be read, or they do not belong together.
    """
    settings = offline(load_settings(files.config))
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
        groups=manifests.groups,
        namespaces=manifests.namespaces,
        storage=manifests.storage,
        rtt=rtt,
        zones=zones_where_needed(rtt, pending, settings),
    )
    return Inputs(snapshot, settings, (*manifests.warnings, *_lost(files, nodes, manifests)))


def _rtt(files: InputFiles, nodes: tuple[Node, ...], nodes_at: str) -> RttMatrix:
    if files.delay_matrix is not None:
        names = [node.name for node in nodes]
        return read_rtt(files.delay_matrix, files.metadata, names, nodes_at)
    if files.metadata is not None:
        raise InputError("command line", "--metadata names no matrix", "give --delay-matrix too")
    return empty_rtt()


def _lost(files: InputFiles, nodes: tuple[Node, ...], manifests: Manifests) -> tuple[str, ...]:
    names = {node.name for node in nodes}
    return tuple(
        f"{files.pods}: {pod.display_name} runs on {node}, which {files.nodes} does not have"
        for pod, node in manifests.bound
        if node not in names
    )
