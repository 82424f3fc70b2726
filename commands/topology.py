"""`topology`: the zones of a matrix, for people, for programs, and as labels for nodes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import typer
import yaml
from rich.console import Console
from rich.table import Table

from commands.console import Terminal
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError, SettingsError
from scheduler.domain.zone import ZoneTree
from scheduler.service.settings import load_settings
from scheduler.topology.layers import zone_tree
from scheduler.topology.triangles import LARGEST, Triangle, worst_triangles
from scheduler.topology.zoning import ZoneFacts, zone_facts
from telemetry.errors import MatrixError
from telemetry.model import UNKNOWN_US, RttMatrix
from telemetry.sources.file import read_matrix

Form = Literal["table", "json", "labels"]

_TRIANGLES = 5
_LABEL = "isochrone.dev/zone-"


def run_topology(matrix: Path, metadata: Path | None, config: Path | None, form: Form) -> int:
    """Print the zones of a matrix; return the exit status.

    Parameters
    ----------
    matrix, metadata
        As `telemetry.sources.file.read_matrix`.
    config
        Settings, whose ``clustering.layersMs`` are the diameters; None for the defaults.
    form
        Tables for people, JSON, or Node manifests with a label a layer, for
        ``kubectl apply --server-side``.

    Raises
    ------
    InputError
        If a file cannot be read, or the settings switch clustering off.
    """
    settings = load_settings(config)
    if not settings.clustering.enabled:
        raise SettingsError(
            f"{config}: clustering.enabled", "is false", "set it to true to see zones"
        )
    try:
        rtt = read_matrix(matrix, metadata)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    with Console(stderr=True).status(f"Clustering {len(rtt.nodes)} nodes …"):
        tree = zone_tree(rtt, settings.clustering.diameters_us)
        facts = [zone_facts(rtt, tree, layer) for layer in tree.layers]
        is_small = len(rtt.nodes) <= LARGEST
        triangles = worst_triangles(rtt, _TRIANGLES) if is_small else None
    match form:
        case "table":
            _print_tables(rtt, tree, facts, triangles)
        case "json":
            typer.echo(json.dumps(_document(rtt, tree, facts, triangles), indent=1))
        case "labels":
            typer.echo(yaml.safe_dump_all(_labelled(tree), sort_keys=False), nl=False)
    return 0


def unknown_share(rtt: RttMatrix) -> float:
    """Return the share of pairs of nodes that were measured in neither direction."""
    n = len(rtt.nodes)
    unknown = int(np.count_nonzero(rtt.symmetric() == UNKNOWN_US))
    return unknown / (n * (n - 1)) if n > 1 else 0.0


def _unmeasured(tree: ZoneTree) -> list[str]:
    if not tree.layers:
        return []
    zone_of = tree.layers[0].zone_of.tolist()
    return [node for node, zone in zip(tree.nodes, zone_of, strict=True) if zone < 0]


def _print_tables(
    rtt: RttMatrix,
    tree: ZoneTree,
    facts: list[tuple[ZoneFacts, ...]],
    triangles: tuple[Triangle, ...] | None,
) -> None:
    console = Terminal(markup=False, highlight=False)  # names are data
    for layer, zones in zip(tree.layers, facts, strict=True):
        shared = sorted(
            (z for z in zones if len(z.nodes) > 1), key=lambda z: (-len(z.nodes), z.name)
        )
        title = f"Within {format_ms(layer.max_rtt_us)}: {_counted(len(zones), 'zone', 'zones')}"
        alone = _counted(len(zones) - len(shared), "zone of one node", "zones of one node")
        if not shared:
            console.print(f"{title}, all of one node")
            continue
        table = Table("zone", "nodes", "widest pair", "in the middle", title=title)
        for zone in shared:
            table.add_row(zone.name, str(len(zone.nodes)), format_ms(zone.width_us), zone.medoid)
        table.caption = f"and {alone}" if len(zones) > len(shared) else ""
        console.print(table)
    console.print(f"{unknown_share(rtt):.1%} of the pairs are not measured.")
    lost = _unmeasured(tree)
    if lost:
        console.print(f"In no zone, for nothing is measured: {', '.join(lost)}")
    for line in _detours(triangles):
        console.print(line)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _detours(triangles: tuple[Triangle, ...] | None) -> Iterator[str]:
    if triangles is None:
        yield f"Detours are looked for among {LARGEST} nodes at most."
    for t in triangles or ():
        yield (
            f"{t.source} - {t.target}: {format_ms(t.direct_us)} directly, "
            f"{format_ms(t.detour_us)} by way of {t.via} ({t.ratio:.1f} times)"
        )


def _document(
    rtt: RttMatrix,
    tree: ZoneTree,
    facts: list[tuple[ZoneFacts, ...]],
    triangles: tuple[Triangle, ...] | None,
) -> Mapping[str, object]:
    layers = [
        {
            "diameterMs": layer.max_rtt_us / 1000,
            "zones": [
                {
                    "name": zone.name,
                    "nodes": zone.nodes,
                    "medoid": zone.medoid,
                    "widestMs": zone.width_us / 1000,
                }
                for zone in zones
            ],
        }
        for layer, zones in zip(tree.layers, facts, strict=True)
    ]
    detours = [
        {
            "nodes": [t.source, t.target],
            "via": t.via,
            "directMs": t.direct_us / 1000,
            "detourMs": t.detour_us / 1000,
        }
        for t in triangles or ()
    ]
    return {
        "layers": layers,
        "unknownShare": unknown_share(rtt),
        "unmeasuredNodes": _unmeasured(tree),
        "worstTriangles": None if triangles is None else detours,
    }


def _labelled(tree: ZoneTree) -> Iterator[Mapping[str, object]]:
    """Yield a Node with the labels of its zones, one a layer; nodes in no zone are left out."""
    for k, node in enumerate(tree.nodes):
        labels = {
            f"{_LABEL}{format_ms(layer.max_rtt_us)}": layer.names[int(layer.zone_of[k])]
            for layer in tree.layers
            if layer.zone_of[k] >= 0
        }
        if labels:
            yield {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": node, "labels": labels},
            }
