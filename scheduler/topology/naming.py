"""Names of zones: made once, for people, and carried on from one clustering to the next."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import format_ms

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]")
_LABEL_LENGTH = 63
"""Longest value of a Kubernetes label: zone names are exported as labels."""


def fresh_name(diameter_us: int, medoid: str, taken: Collection[str]) -> str:
    """Return a new name such as ``z25-edge-17``: the diameter in ms and the node in the middle.

    Parameters
    ----------
    diameter_us
        Of the layer, microseconds.
    medoid
        The zone's node that is nearest to the others.
    taken
        Names in use, which are never given to another zone.
    """
    # A matrix may name its nodes in ways no label can hold.
    legal = _ILLEGAL.sub("-", medoid).strip("-_.") or "zone"
    stem = f"z{format_ms(diameter_us).removesuffix('ms')}-{legal}"
    if len(stem) > _LABEL_LENGTH - 4:  # room for a number that tells it from another
        stem = f"{stem[: _LABEL_LENGTH - 13].rstrip('.-_')}-{sha256(stem.encode()).hexdigest()[:8]}"
    if stem not in taken:
        return stem
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def inherited(zone_of: NDArray[np.int64], before: NDArray[np.int64]) -> Mapping[int, int]:
    """Match zones to those before by the nodes they share, most first, each at most once.

    Parameters
    ----------
    zone_of, before
        Shape ``(m,)``, of the same nodes; -1 for a node without a zone.

    Returns
    -------
    mapping
        New zone to old zone; a zone that shares no node with a free old one is left out.
    """
    shared = Counter(
        (new, old) for new, old in zip(zone_of.tolist(), before.tolist(), strict=True) if old >= 0
    )
    found: dict[int, int] = {}
    used: set[int] = set()
    for (new, old), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if new not in found and old not in used:
            found[new] = old
            used.add(old)
    return found
