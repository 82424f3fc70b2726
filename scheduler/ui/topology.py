"""The RTT table as a whole: what of it is known, how old, and the map. Work for a thread."""

from collections.abc import Sequence

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.topology.layout import laid_out
from scheduler.topology.triangles import LARGEST, Triangle, worst_triangles
from scheduler.ui import views
from scheduler.ui.picture import PictureNotes, picture
from scheduler.ui.views import Json
from telemetry.census import census
from telemetry.dated import DatedRtt
from telemetry.shares import pair_shares

_TRIANGLES = 5
_SEED = 0  # the same table gives the same map


def topology(snapshot: ClusterSnapshot) -> Json:
    """Return zones, shares of pairs, sources with their ages, and the worst triangles.

    A triangle shows where RTTs are no distances, or a measurement is odd; it proves neither.
    """
    rtt = snapshot.rtt
    shares = pair_shares(rtt)
    found = worst_triangles(rtt, _TRIANGLES) if len(rtt.nodes) <= LARGEST else None
    return {
        **views.zones(snapshot),
        "nodes": len(rtt.nodes),
        "unknownShare": shares.unknown,
        "staleShare": shares.stale,
        "sources": _sources(rtt) if isinstance(rtt, DatedRtt) else None,
        "worstTriangles": triangle_rows(found),
    }


def topology_map(snapshot: ClusterSnapshot) -> str:
    """Return the map as SVG."""
    rtt = snapshot.rtt
    layout = laid_out(rtt, np.random.default_rng(_SEED))
    return picture(layout, rtt.nodes, snapshot.zones, PictureNotes(pair_shares(rtt)))


def triangle_rows(triangles: Sequence[Triangle] | None) -> list[Json] | None:
    """Return triangles as plain JSON values; None where they were not looked for."""
    if triangles is None:
        return None
    return [
        {
            "nodes": [t.source, t.target],
            "via": t.via,
            "directMs": t.direct_us / 1000,
            "detourMs": t.detour_us / 1000,
        }
        for t in triangles
    ]


def _sources(rtt: DatedRtt) -> list[Json]:
    believed = census(rtt).believed
    return [
        {"source": origin.name.lower(), "pairs": pairs, "medianAgeSeconds": round(age_s, 1)}
        for origin, (pairs, age_s) in sorted(believed.items(), reverse=True)
    ]
