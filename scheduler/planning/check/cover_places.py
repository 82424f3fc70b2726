"""Whether the backups that a plan gives are places where their pods could run when a node fails."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import FailureUnit
from scheduler.domain.node import FAILURE_DOMAIN_LABEL
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.cover_backups import NewBackups
from scheduler.planning.check.cover_delays import too_far
from scheduler.planning.check.domains import domains_of
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.nodes import refused_nodes

_OF_THE_POD = frozenset({"bad delay", "unsupported", "gated"})
"""Rules by which a pod may run nowhere: said of its own node, where it may be refused for them."""


def failing_together(snapshot: ClusterSnapshot, unit: FailureUnit) -> NDArray[np.int64]:
    """Return what each node fails with, shape ``(n,)``: equal numbers fail together."""
    nodes = snapshot.nodes
    each = np.arange(len(nodes), dtype=np.int64)
    if unit == "node":
        return each
    if unit == "domain":
        domains = domains_of(nodes, FAILURE_DOMAIN_LABEL)
        # An empty label names no domain.
        nameless = domains.index.get("", -1)
        group_of = np.where(domains.of == nameless, np.int64(-1), domains.of)[:-1]
    else:
        group_of = _zones(snapshot)
    return np.where(group_of < 0, group_of.max(initial=-1) + 1 + each, group_of)


def _zones(snapshot: ClusterSnapshot) -> NDArray[np.int64]:
    """Return the smallest zone of each node, -1 for a node that is in none."""
    zone_of, zones = np.full(len(snapshot.nodes), -1, dtype=np.int64), snapshot.zones
    if zones.layers:
        index = snapshot.nodes.index
        rows = np.array([index.get(name, -1) for name in zones.nodes], dtype=np.int64)
        zone_of[rows[rows >= 0]] = zones.layers[0].zone_of[rows >= 0]
    return zone_of


def broken_places(
    snapshot: ClusterSnapshot,
    decided: Decided,
    backups: NewBackups,
    unit_of: NDArray[np.int64],
    *,
    may_overflow: bool,
) -> Iterator[str]:
    """Yield the backups that fail with the pod's node, or where the pod may not run."""
    nodes, there = snapshot.nodes, backups.there
    for row in np.flatnonzero(unit_of[there.node_of] == unit_of[backups.host_of]).tolist():
        host, backup = nodes.nodes[backups.host_of[row]].name, nodes.nodes[there.node_of[row]].name
        is_host = host == backup
        detail = "it is the pod's own node" if is_host else f"it fails together with {host}"
        yield backups.said(row, backup, detail)
    for said in refused_nodes(nodes, there, may_overflow=may_overflow):
        rule, where, detail = said.split(": ", 2)
        if rule not in _OF_THE_POD:
            yield f"cover: {where} as a backup: {detail}"
    yield from too_far(snapshot, decided, backups)
