"""Matrices of round-trip times on disk, replaced in one step as a ConfigMap's are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_matrix(path: Path, nodes: Sequence[str], rtt_us: NDArray[np.int32]) -> Path:
    """Write a compressed matrix, so that a reader sees the old one or the new one.

    Parameters
    ----------
    path
        An ``.npz``.
    nodes
        Names of rows and columns.
    rtt_us
        Shape ``(n, n)``, microseconds.
    """
    draft = path.with_name(f"draft-{path.name}")
    with draft.open("wb") as file:
        np.savez_compressed(file, rtt_us=rtt_us, nodes=np.array(list(nodes)))
    draft.replace(path)
    return path


def on_a_line(positions_ms: Sequence[float]) -> NDArray[np.int32]:
    """Return the RTTs of nodes that stand on a line, in microseconds."""
    at = np.array(positions_ms) * 1000
    return np.asarray(np.abs(at[:, None] - at[None, :]), dtype=np.int32)
