"""One layer of zones as people see it: named, with the node in its middle and its width."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.zone import Layer, ZoneTree
from scheduler.topology.clustering import by_first_item
from scheduler.topology.naming import fresh_name
from scheduler.topology.rows import FAR_US, MeasuredRows
from telemetry.model import RttTable


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """What there is to say of one zone. `width_us` is its farthest measured pair."""

    name: str
    nodes: tuple[str, ...]
    medoid: str
    width_us: int


@dataclass(frozen=True, slots=True, eq=False)
class LayerPlan:
    """Zones of one layer before they are named.

    Parameters
    ----------
    max_rtt_us
        Diameter, microseconds.
    zone_of
        Shape ``(m,)``: zone ids of the measured nodes.
    old_names
        Names of the ids that are known already.
    taken
        Names that new zones may not have.
    """

    max_rtt_us: int
    zone_of: NDArray[np.int64]
    old_names: Mapping[int, str]
    taken: frozenset[str]


def named_layers(
    rows: MeasuredRows, node_names: tuple[str, ...], plans: Sequence[LayerPlan]
) -> tuple[Layer, ...]:
    """Return the layers, zones numbered by first node and the new ones named.

    Parameters
    ----------
    rows
        RTTs of ``m`` nodes.
    node_names
        All ``n`` names of the RTT table; nodes without measurements get no zone.
    plans
        One a layer.
    """
    labels = [by_first_item(plan.zone_of) for plan in plans]
    ids = [
        dict(zip(of.tolist(), plan.zone_of.tolist(), strict=True))
        for of, plan in zip(labels, plans, strict=True)
    ]
    new = [
        {zone for zone, known in known_of.items() if known not in plan.old_names}
        for known_of, plan in zip(ids, plans, strict=True)
    ]
    middles = _middles(rows, labels, new)
    out = []
    for k, plan in enumerate(plans):
        used = {*plan.taken, *plan.old_names.values()}
        names: list[str] = []
        for zone in range(len(ids[k])):
            name = plan.old_names.get(ids[k][zone], "")
            if not name:
                medoid = node_names[int(rows.nodes[middles[k][zone].item])]
                name = fresh_name(plan.max_rtt_us, medoid, used)
            used.add(name)
            names.append(name)
        full = np.full(len(node_names), -1, dtype=np.int32)
        full[rows.nodes] = labels[k]
        full.flags.writeable = False
        out.append(Layer(plan.max_rtt_us, full, tuple(names)))
    return tuple(out)


def zone_facts(rtt: RttTable, tree: ZoneTree, layer: Layer) -> tuple[ZoneFacts, ...]:
    """Return what there is to say of each zone of a layer of `tree`, by the RTTs of `rtt`.

    Nodes of the tree that the table does not hold are left out.
    """
    rows = MeasuredRows(rtt)
    zone_by_name = dict(zip(tree.nodes, layer.zone_of.tolist(), strict=True))
    labels = np.array([zone_by_name.get(rtt.nodes[i], -1) for i in rows.nodes], dtype=np.int64)
    middles = _middles(rows, [labels], [set(range(len(layer.names)))])[0]
    members: dict[int, list[str]] = {}
    for i, zone in zip(rows.nodes.tolist(), labels.tolist(), strict=True):
        members.setdefault(zone, []).append(rtt.nodes[i])
    return tuple(
        ZoneFacts(
            name,
            tuple(members[zone]),
            rtt.nodes[int(rows.nodes[middles[zone].item])],
            middles[zone].width_us,
        )
        for zone, name in enumerate(layer.names)
        if zone in members
    )


@dataclass(slots=True)
class _Middle:
    """The medoid so far, its total RTT, and the widest pair so far."""

    item: int = -1
    total_us: int = 0
    width_us: int = 0


def _middles(
    rows: MeasuredRows, labels: Sequence[NDArray[np.int64]], wanted: Sequence[Collection[int]]
) -> list[dict[int, _Middle]]:
    """Return, per layer, the medoid of each wanted zone: of least total RTT to the others."""
    members = [_members(of) for of in labels]
    out: list[dict[int, _Middle]] = [{zone: _Middle() for zone in zones} for zones in wanted]
    for item in range(len(rows)):
        zones = [int(of[item]) for of in labels]
        if not any(zone in found for zone, found in zip(zones, out, strict=True)):
            continue
        row = rows(item)  # once for all layers: far nodes are read, not held
        for k, zone in enumerate(zones):
            middle = out[k].get(zone)
            if middle is None:
                continue
            near = row[members[k][zone]]
            # An unknown pair counts as farther than anything and is no width.
            total = int(near.sum(dtype=np.int64))
            middle.width_us = max(middle.width_us, int(near[near < FAR_US].max()))
            if middle.item < 0 or total < middle.total_us:
                middle.item, middle.total_us = item, total
    return out


def _members(labels: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    if not len(labels):
        return {}
    order = np.argsort(labels, kind="stable")
    zones, starts = np.unique(labels[order], return_index=True)
    return dict(zip(zones.tolist(), np.split(order, starts[1:]), strict=True))
