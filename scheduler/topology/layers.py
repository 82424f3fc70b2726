"""The zone tree: layers of zones, one a diameter, each nested in the next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.zone import Layer, ZoneTree
from scheduler.topology.clustering import cluster_items
from scheduler.topology.naming import inherited
from scheduler.topology.repair import repaired
from scheduler.topology.rows import MeasuredRows, RowOf, between_groups, held
from scheduler.topology.zoning import LayerPlan, named_layers
from telemetry.model import RttTable


def zone_tree(
    rtt: RttTable,
    diameters_us: Sequence[int],
    previous: ZoneTree | None = None,
    *,
    is_afresh: bool = False,
) -> ZoneTree:
    """Return the nodes of `rtt` in nested zones.

    Parameters
    ----------
    rtt
        Round-trip times; the larger of both directions counts. A node without any is in no zone.
    diameters_us
        One a layer, ascending, microseconds.
    previous
        The tree before. Its zones and names stay put: a node moves only when it is beyond 1.1
        diameters from a zone mate. Zones made anew hold the diameter itself.
    is_afresh
        Cluster from scratch all the same, and hand names on by the nodes that zones share: rarely
        due, since repair never merges zones. So is done, too, when the diameters are others or the
        network has changed beyond repair.

    Raises
    ------
    ValueError
        If the diameters are not positive and ascending.

    Notes
    -----
    decision record 0003. O(n²) time; O(n²) memory up to `rows.DENSE_NODES` nodes, beyond that
    O(n) besides the table and the zones of the smallest diameter.
    """
    diameters = tuple(diameters_us)
    if any(d <= 0 for d in diameters) or list(diameters) != sorted(set(diameters)):
        raise ValueError(f"diameters {diameters} us are not positive and ascending")
    rows = MeasuredRows(rtt)
    before = previous if previous is not None else ZoneTree()
    old = {layer.max_rtt_us: _aligned(rtt, rows, before, layer) for layer in before.layers}
    zones: list[NDArray[np.int64]] | None = None
    if not is_afresh and diameters and tuple(old) == diameters:
        zones = repaired(rows, [old[d] for d in diameters], diameters)
    is_repaired = zones is not None
    if zones is None:
        zones = _nested(rows, diameters)
    plans = []
    for diameter, zone_of in zip(diameters, zones, strict=True):
        names = _old_names(before, diameter)
        if is_repaired:
            kept = {of: names[of] for of in set(old[diameter].tolist()) if of >= 0}
        else:
            pairs = inherited(zone_of, old[diameter]) if diameter in old else {}
            kept = {new: names[of] for new, of in pairs.items()}
        plans.append(LayerPlan(diameter, zone_of, kept, frozenset(names)))
    return ZoneTree(rtt.nodes, named_layers(rows, rtt.nodes, plans))


def _nested(rows: MeasuredRows, diameters_us: Sequence[int]) -> list[NDArray[np.int64]]:
    """Cluster the nodes, then each layer's zones by their farthest pairs."""
    out: list[NDArray[np.int64]] = []
    row_of: RowOf = rows
    group_of = np.arange(len(rows), dtype=np.int64)
    n_groups = len(rows)
    for diameter_us in diameters_us:
        labels = cluster_items(row_of, n_groups, diameter_us)
        n_items, n_groups = n_groups, int(labels.max(initial=-1)) + 1
        group_of = labels[group_of]
        out.append(group_of)
        if n_groups < n_items:
            row_of = held(between_groups(row_of, labels, n_groups), n_groups)
    return out


def _aligned(rtt: RttTable, rows: MeasuredRows, tree: ZoneTree, layer: Layer) -> NDArray[np.int64]:
    """Return the earlier zone of each measured node, -1 for a node that had none."""
    zone = dict(zip(tree.nodes, layer.zone_of.tolist(), strict=True))
    return np.array([zone.get(rtt.nodes[i], -1) for i in rows.nodes.tolist()], dtype=np.int64)


def _old_names(tree: ZoneTree, diameter_us: int) -> tuple[str, ...]:
    return next((x.names for x in tree.layers if x.max_rtt_us == diameter_us), ())
