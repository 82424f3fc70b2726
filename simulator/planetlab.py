"""The measured round-trip times dev mode runs on: 18 snapshots of 490 PlanetLab nodes."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

NODES = 490
SNAPSHOTS = 18
_FILE = "planetlab490_rtt_us.npz"


def load_snapshots() -> NDArray[np.int32]:
    """Return the RTTs of all snapshots, shape ``(18, 490, 490)``, microseconds, symmetric.

    The file holds the upper triangle of the first snapshot and the differences of each to the one
    before it; see ``simulator/data/README.md``.
    """
    with (files("simulator") / "data" / _FILE).open("rb") as file, np.load(file) as stored:
        triangles = np.vstack([stored["first"][None], stored["delta"]]).cumsum(0)
    out = np.zeros((SNAPSHOTS, NODES, NODES), dtype=np.int32)
    rows, columns = np.triu_indices(NODES, 1)
    out[:, rows, columns] = triangles
    out[:, columns, rows] = triangles
    return out
