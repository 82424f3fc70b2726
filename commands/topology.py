"""`topology`: the zones of a matrix, for people, for programs, and as labels for nodes."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import typer
import yaml
from rich.console import Console
from rich.table import Table

from commands.console import Terminal
from commands.topology_running import alone, show_running, title_of
from commands.topology_said import detours_said, shares_said, write_picture
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError, SettingsError
from scheduler.domain.zone import ZoneTree
from scheduler.service.settings import load_settings
from scheduler.topology.layers import zone_tree
from scheduler.topology.layout import laid_out
from scheduler.topology.triangles import LARGEST, Triangle, worst_triangles
from scheduler.topology.zoning import ZoneFacts, zone_facts
from scheduler.ui.picture import PictureNotes, picture
from scheduler.ui.topology import triangle_rows
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.shares import pair_shares
from telemetry.sources.file import read_described
from telemetry.sources.packednpz import packed_npz

Form = Literal["table", "json", "labels", "npz", "picture"]

CONFIG_MAP_BYTES = 1 << 20
"""What a ConfigMap holds, by the API server's own limit."""

_TRIANGLES = 5
_SEED = 0  # the same matrix gives the same picture
_LABEL = "isochrone.dev/zone-"


@dataclass(frozen=True, slots=True)
class TopologyRequest:
    """What to show the zones of: a matrix, of it what a live cluster has, or a running scheduler.

    `delay_matrix` and `metadata` as `telemetry.sources.file.read_matrix` has them; `config` are the
    settings whose ``clustering.layersMs`` are the diameters.
    """

    delay_matrix: Path | None = None
    metadata: Path | None = None
    config: Path | None = None
    kubeconfig: Path | None = None
    context: str | None = None
    port: int | None = None


def run_topology(request: TopologyRequest, form: Form) -> int:
    """Print zones; return the exit status.

    Parameters
    ----------
    request
        What to show the zones of.
    form
        Tables for people, JSON, Node manifests with a label a layer for ``kubectl apply
        --server-side``, a map as SVG, or the matrix itself, small enough for a ConfigMap.

    Raises
    ------
    InputError
        If a file cannot be read, the options do not go together, no scheduler or cluster answers,
        or the settings switch clustering off.
    """
    if request.port is not None:
        _check_alone(request)
        return show_running(request.port, form)
    rtt, notes = _matrix(request)
    if form == "npz":
        return _write_packed(rtt)
    settings = load_settings(request.config)
    if not settings.clustering.enabled:
        raise SettingsError(
            f"{request.config}: clustering.enabled", "is false", "set it to true to see zones"
        )
    with Console(stderr=True).status(f"Clustering {len(rtt.nodes)} nodes …"):
        tree = zone_tree(rtt, settings.clustering.diameters_us)
    _write(rtt, tree, form)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    return 0


def _write(
    rtt: RttMatrix, tree: ZoneTree, form: Literal["table", "json", "labels", "picture"]
) -> None:
    if form == "labels":
        typer.echo(yaml.safe_dump_all(_labelled(tree), sort_keys=False), nl=False)
        return
    if form == "picture":
        layout = laid_out(rtt, np.random.default_rng(_SEED))
        notes = PictureNotes(pair_shares(rtt), Path(rtt.source).name)
        write_picture(picture(layout, rtt.nodes, tree, notes))
        return
    facts = [zone_facts(rtt, tree, layer) for layer in tree.layers]
    triangles = worst_triangles(rtt, _TRIANGLES) if len(rtt.nodes) <= LARGEST else None
    if form == "table":
        _print_tables(rtt, tree, facts, triangles)
    else:
        typer.echo(json.dumps(_document(rtt, tree, facts, triangles), indent=1))


def _check_alone(request: TopologyRequest) -> None:
    others = (request.delay_matrix, request.metadata, request.config, request.kubeconfig)
    if any(other is not None for other in others):
        what = "--port goes without files and --kubeconfig"
        raise InputError("command line", what, "the scheduler says which zones it uses")


def _matrix(request: TopologyRequest) -> tuple[RttMatrix, list[str]]:
    """Return the matrix, as what it was read, and what it and the cluster do not share."""
    if request.delay_matrix is None:
        fix = "give --delay-matrix, or --port of a scheduler that runs"
        raise InputError("command line", "no matrix is named", fix)
    try:
        rtt, said = read_described(request.delay_matrix, request.metadata)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    if request.kubeconfig is None:
        return rtt, [*said]
    # Only here is the Kubernetes client loaded.
    from commands.cluster_inputs import LiveCluster, differences, live_nodes  # noqa: PLC0415

    nodes = live_nodes(LiveCluster(request.kubeconfig, request.context))
    names = [node.name for node in nodes if node.name in rtt.index]
    notes = [*said, *differences(rtt, nodes)]
    if not names:
        what = "measures no node of the cluster"
        fix = f"the cluster has {', '.join(sorted(n.name for n in nodes)[:3]) or 'no nodes'}"
        raise InputError(str(request.metadata or request.delay_matrix), what, fix)
    rows = [rtt.index[name] for name in names]
    return RttMatrix(tuple(names), rtt.rtt_us[np.ix_(rows, rows)], rtt.source), notes


def _write_packed(rtt: RttMatrix) -> int:
    """Write the matrix in its smallest form to standard output, and say its size on stderr."""
    if sys.stdout.isatty():
        raise InputError("standard output", "is a terminal", "add > matrix.npz")
    content = packed_npz(rtt)
    sys.stdout.buffer.write(content)
    as_text = (len(content) + 2) // 3 * 4  # in base64
    said = f"{len(rtt.nodes)} nodes, {len(content)} bytes; {as_text} in a ConfigMap"
    typer.echo(f"{said}, which holds {CONFIG_MAP_BYTES}", err=True)
    if as_text > CONFIG_MAP_BYTES:
        typer.echo("warning: too large for a ConfigMap: mount it from a volume", err=True)
    return 0


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
        title = title_of(layer.max_rtt_us, len(zones))
        if not shared:
            console.print(f"{title}, all of one node")
            continue
        table = Table("zone", "nodes", "widest pair", "in the middle", title=title)
        for zone in shared:
            table.add_row(zone.name, str(len(zone.nodes)), format_ms(zone.width_us), zone.medoid)
        table.caption = alone(len(zones) - len(shared))
        console.print(table)
    console.print(shares_said(pair_shares(rtt)))
    lost = _unmeasured(tree)
    if lost:
        console.print(f"In no zone, for nothing is measured: {', '.join(lost)}")
    for line in detours_said(triangles):
        console.print(line)


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
    shares = pair_shares(rtt)
    return {
        "layers": layers,
        "unknownShare": shares.unknown,
        "staleShare": shares.stale,
        "unmeasuredNodes": _unmeasured(tree),
        "worstTriangles": triangle_rows(triangles),
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
