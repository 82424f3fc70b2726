"""Zones: groups of nodes near each other, one clustering (layer) per diameter, nested."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """All nodes clustered at one diameter.

    Parameters
    ----------
    max_rtt_us
        Diameter: every pair of nodes in a zone was within it when the zone was made.
    zone_of
        Shape ``(n,)``: index into `names` for each node; -1 for a node without measurements.
    names
        Zone names, steady from one clustering to the next.
    """

    max_rtt_us: int
    zone_of: NDArray[np.int32]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ZoneTree:
    """Layers from the smallest diameter to the largest; each layer's zones nest in the next's."""

    nodes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
