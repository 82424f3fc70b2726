"""The nodes of the embedded cluster: names, sites, roles and sizes, as Kubernetes objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.errors import InputError
from simulator.change import JsonObject
from simulator.metros import Metros
from simulator.recorded import Machines
from simulator.sites import find_sites, site_names

_CLOUD_SHARE = 6 / 490
_EDGE_CPUS = (2, 4, 8)
_EDGE_GIB_A_CPU = 2
_CLOUD_CPUS, _CLOUD_GIB = 64, 256
_PODS = 110  # the kubelet's default
_LABEL_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Place:
    """One node before it is an object: its row of the RTT table, its name, site and role."""

    row: int
    name: str
    site: str
    is_cloud: bool


@dataclass(frozen=True, slots=True)
class Inventory:
    """All nodes, edges first.

    `rows` names the rows of the RTT table; `places` are in the order people count nodes in.
    """

    rows: tuple[str, ...]
    places: tuple[Place, ...]

    def site(self, name: str) -> tuple[str, ...]:
        """Return the nodes of a site; empty if there is none of that name."""
        return tuple(place.name for place in self.places if place.site == name)


def places_of(
    site_of: NDArray[np.int64],
    centrality_us: NDArray[np.float64],
    renamed: Mapping[str, str],
    names: Sequence[str] | None = None,
) -> Inventory:
    """Name the rows of an RTT table.

    Cloud nodes are the best connected ones, each in another site; edge nodes are numbered site by
    site, the largest first, so that neighbours have neighbouring numbers.

    Parameters
    ----------
    site_of
        Shape ``(n,)``: the site of each row, 0 the largest.
    centrality_us
        Shape ``(n,)``: median RTT of each row to the others; small is well connected.
    renamed
        Names to give in place of others.
    names
        Names the rows have already; they are numbered where there are none.

    Raises
    ------
    InputError
        If `renamed` names a node there is not, or a name twice.
    """
    n = len(site_of)
    sites = site_names(int(site_of.max()) + 1 if n else 0)
    cloud = _cloud_rows(site_of, centrality_us)
    edges = [row for row in np.lexsort((np.arange(n), site_of)).tolist() if row not in cloud]
    named = [(names[row] if names else f"edge-{k}", row) for k, row in enumerate(edges, 1)]
    named += [(names[row] if names else f"cloud-{k}", row) for k, row in enumerate(cloud, 1)]
    final = _renamed([name for name, _ in named], renamed)
    places = tuple(
        Place(row, final.get(name, name), sites[int(site_of[row])], row in cloud)
        for name, row in named
    )
    by_row = sorted(places, key=lambda place: place.row)
    return Inventory(tuple(place.name for place in by_row), places)


def inventory_of_matrix(
    rtt_us: NDArray[np.int32], renamed: Mapping[str, str], names: Sequence[str] | None = None
) -> Inventory:
    """Return sites found by clustering a measured matrix, and names for its rows.

    Parameters
    ----------
    rtt_us
        Shape ``(n, n)``, microseconds; negative where nothing was measured.
    renamed, names
        As `places_of`.
    """
    known = np.where(rtt_us < 0, np.nan, rtt_us.astype(np.float64))
    np.fill_diagonal(known, 0)
    return places_of(find_sites(rtt_us), np.nanmedian(known, axis=1), renamed, names)


def inventory_of_metros(metros: Metros, renamed: Mapping[str, str]) -> Inventory:
    """Return one site a metro, and names for its nodes."""
    between_us = np.median(metros.metro_rtt_us, axis=1)[metros.metro] + metros.access_us
    return places_of(metros.metro.astype(np.int64), between_us, renamed)


def inventory_of_machines(machines: Machines, renamed: Mapping[str, str]) -> Inventory:
    """Return the recorded sites with all their machines, and names for them."""
    return places_of(machines.site, machines.centrality_us(), renamed)


def node_objects(places: Sequence[Place], rng: np.random.Generator) -> list[JsonObject]:
    """Return Node objects; the sizes of edge nodes are drawn from `rng`."""
    cpus = rng.choice(_EDGE_CPUS, size=len(places))
    return [
        _cloud(place, k) if place.is_cloud else _edge(place, k, int(cpu))
        for k, (place, cpu) in enumerate(zip(places, cpus, strict=True), 1)
    ]


def _edge(place: Place, number: int, cpu: int) -> JsonObject:
    return _node(place, number, {"cpu": str(cpu), "memory": f"{_EDGE_GIB_A_CPU * cpu}Gi"}, {})


def _cloud(place: Place, number: int) -> JsonObject:
    size = {"cpu": str(_CLOUD_CPUS), "memory": f"{_CLOUD_GIB}Gi"}
    return _node(place, number, size, {"kubernetes.io/role": "cloud"})


def _node(place: Place, number: int, size: dict[str, str], labels: dict[str, str]) -> JsonObject:
    amounts = {**size, "ephemeral-storage": "64Gi", "pods": str(_PODS)}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }
    address = f"172.{16 + (number >> 16 & 15)}.{number >> 8 & 255}.{number & 255}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": place.name,
            "labels": {
                "kubernetes.io/hostname": place.name[:_LABEL_LENGTH].rstrip(".-"),
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": place.site,
                **labels,
            },
        },
        "spec": {},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [ready],
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": place.name},
            ],
        },
    }


def _cloud_rows(site_of: NDArray[np.int64], centrality_us: NDArray[np.float64]) -> list[int]:
    """Return the best connected rows, no two of one site while there are other sites."""
    n = len(site_of)
    if n < 2:  # noqa: PLR2004 - a single node is an edge node
        return []
    wanted = max(1, round(n * _CLOUD_SHARE))
    ranked = np.argsort(centrality_us, kind="stable").tolist()
    first: dict[int, int] = {}
    for row in ranked:
        first.setdefault(int(site_of[row]), row)
    apart = list(first.values())
    rest = [row for row in ranked if row not in set(apart)]
    return (apart + rest)[:wanted]


def _renamed(names: Sequence[str], renamed: Mapping[str, str]) -> Mapping[str, str]:
    for old, new in renamed.items():
        if old not in names:
            what = f"there is no node {old} among the {len(names)}"
            fix = f"have more nodes, or a scenario that names one of {names[0]} … {names[-1]}"
            raise InputError("rename", what, fix)
        if new in names or list(renamed.values()).count(new) > 1:
            raise InputError("rename", f"{new} would name two nodes", "choose another name")
    return renamed
