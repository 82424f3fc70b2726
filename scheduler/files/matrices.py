"""RTT matrices on disk, held against the nodes they are for."""

from collections.abc import Sequence
from pathlib import Path

from scheduler.domain.errors import InputError
from scheduler.objects.decoding import shorten
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.sources.file import read_matrix


def read_rtt(path: Path, metadata: Path | None, nodes: Sequence[str], nodes_at: str) -> RttMatrix:
    """Read the RTT matrix of `nodes`.

    Parameters
    ----------
    path, metadata
        As `telemetry.sources.file.read_matrix`.
    nodes
        Names of the nodes there are.
    nodes_at
        Where they are written, for errors.

    Raises
    ------
    InputError
        If a file cannot be read, a node has no row, or a row belongs to no node.
    """
    try:
        matrix = read_matrix(path, metadata)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    named_at = str(metadata or path)
    known = set(nodes)
    unknown = [name for name in matrix.nodes if name not in known]
    missing = [name for name in nodes if name not in matrix.index]
    sizes = f"{named_at} names {len(matrix.nodes)} nodes, {nodes_at} has {len(nodes)}"
    if unknown:
        raise InputError(
            named_at,
            f'names node "{shorten(unknown[0])}", which {nodes_at} does not have ({sizes})',
            "let both name the same nodes",
        )
    if missing:
        raise InputError(
            named_at,
            f'has no row for node "{shorten(missing[0])}" of {nodes_at} ({sizes})',
            "let both name the same nodes",
        )
    return matrix
