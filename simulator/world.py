"""A scenario made ready: the cluster with its nodes, the network, the timeline."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from scheduler.domain.errors import InputError
from simulator.change import Change, Refused
from simulator.cluster import EmbeddedCluster
from simulator.command import Apply, Create
from simulator.inventory import (
    Inventory,
    inventory_of_machines,
    inventory_of_matrix,
    inventory_of_metros,
    node_objects,
)
from simulator.manifests import Manifest, read_manifests
from simulator.metros import MAX_NODES, make_metros
from simulator.network import MetroTerrain, Network, Snapshots, Terrain
from simulator.planetlab import load_snapshots
from simulator.recorded import MAX_NODES as MAX_MACHINES
from simulator.recorded import make_machines
from simulator.scenario import DEFAULT, NodesPart, Scenario, read_scenario, span_s
from simulator.state import EPOCH, Timing
from simulator.timeline import Moment, resolve
from telemetry.errors import MatrixError
from telemetry.sources.file import read_table


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; each replaces what the scenario says.

    Parameters
    ----------
    scenario
        Scenario file; None for the default one under `home`.
    nodes
        Number of nodes, at the recorded sites.
    matrix
        Matrix file to run on.
    seed
        Of node sizes, machines, metros, uids and chance.
    home
        Folder that holds ``demo/``.
    """

    scenario: Path | None = None
    nodes: int | None = None
    matrix: Path | None = None
    seed: int | None = None
    home: Path = Path()


@dataclass(frozen=True, slots=True)
class World:
    """All parts of a running scenario. The nodes are in `cluster`; the manifests are not yet."""

    scenario: Scenario
    cluster: EmbeddedCluster
    network: Network
    inventory: Inventory
    manifests: tuple[Manifest, ...]
    moments: tuple[Moment, ...]

    @property
    def settles_after_s(self) -> float:
        """Time before which ``--once`` does not judge, seconds."""
        return span_s(self.scenario.settles_after, "settlesAfter")

    def submit(self, now_s: float) -> list[Change]:
        """Submit the manifests of the start; return what changed.

        Raises
        ------
        InputError
            If the cluster refuses one; names where it was written.
        """
        changes: list[Change] = []
        for manifest in self.manifests:
            try:
                changes += self.cluster.apply(Apply(manifest.object), now_s)
            except Refused as refusal:
                what = f"is refused: {refusal.message}"
                raise InputError(manifest.where, what, "correct the manifest") from None
        return changes


def open_world(options: Options, epoch: datetime = EPOCH) -> World:
    """Read a scenario and build what it describes.

    Parameters
    ----------
    epoch
        What time stamps say at virtual time 0.

    Raises
    ------
    InputError
        If the scenario, a manifest or a matrix is bad, or the options contradict each other.
    """
    path = options.scenario if options.scenario is not None else options.home / DEFAULT
    return build(_overridden(read_scenario(path), options), path, epoch)


def build(scenario: Scenario, path: Path, epoch: datetime = EPOCH) -> World:
    """Build what a scenario describes; its paths start at the folder of `path`.

    Raises
    ------
    InputError
        As `open_world`.
    """
    try:
        terrain, inventory = _ground(scenario, path.parent)
        timeline = resolve(scenario, inventory, path.parent)
    except InputError as error:
        if error.where.startswith(("rename", "timeline", "nodes")):
            raise InputError(f"{path}: {error.where}", error.what, error.fix) from None
        raise
    rng = np.random.default_rng(scenario.seed)
    cluster = EmbeddedCluster(rng, _timing(scenario), epoch)
    for node in node_objects(inventory.places, rng):
        cluster.apply(Create(node), 0.0)
    return World(
        scenario=scenario,
        cluster=cluster,
        network=Network(
            inventory.rows,
            terrain,
            drift_s=span_s(scenario.drift, "drift"),
            slowdowns=timeline.slowdowns,
        ),
        inventory=inventory,
        manifests=tuple(
            m for name in scenario.manifests for m in read_manifests(path.parent / name)
        ),
        moments=timeline.moments,
    )


def _overridden(scenario: Scenario, options: Options) -> Scenario:
    changes: dict[str, object] = {}
    if options.nodes is not None and options.matrix is not None:
        fix = "give one of them: the matrix has its own number of nodes"
        raise InputError("--nodes and --matrix", "contradict each other", fix)
    if options.nodes is not None:
        changes["nodes"] = NodesPart(source="planetlab", count=options.nodes)
    if options.matrix is not None:
        changes["nodes"] = NodesPart(source="matrix", matrix=str(options.matrix.absolute()))
    if options.seed is not None:
        if options.seed < 0:
            raise InputError("--seed", f"{options.seed} is negative", "give a whole number from 0")
        changes["seed"] = options.seed
    fields = {name: getattr(scenario, name) for name in scenario.__struct_fields__}
    return Scenario(**{**fields, **changes})


def _ground(scenario: Scenario, folder: Path) -> tuple[Terrain, Inventory]:
    nodes = scenario.nodes
    if nodes.source == "planetlab":
        rtt_us = load_snapshots()
        if nodes.count is not None:
            machines = make_machines(rtt_us, _within(nodes.count, MAX_MACHINES), scenario.seed)
            return machines, inventory_of_machines(machines, scenario.rename)
        inventory = inventory_of_matrix(rtt_us[0], scenario.rename)
        return Snapshots(rtt_us, "PlanetLab"), inventory
    if nodes.source == "metros":
        metros = make_metros(_within(nodes.count or 0, MAX_NODES), scenario.seed)
        return MetroTerrain(metros), inventory_of_metros(metros, scenario.rename)
    try:
        table = read_table(folder / nodes.matrix)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    names = table.names if nodes.keep_names else None
    inventory = inventory_of_matrix(table.rtt_us, scenario.rename, names)
    return Snapshots(table.rtt_us[None], nodes.matrix), inventory


def _within(count: int, most: int) -> int:
    if not 1 <= count <= most:
        fix = f"give a number between 1 and {most}"
        raise InputError("nodes", f"{count} nodes cannot be made", fix)
    return count


def _timing(scenario: Scenario) -> Timing:
    said = scenario.timing
    return Timing(
        start_s=span_s(said.pod_start, "timing.podStart"),
        stop_s=span_s(said.pod_stop, "timing.podStop"),
        node_grace_s=span_s(said.node_grace, "timing.nodeGrace"),
        toleration_s=span_s(said.toleration, "timing.toleration"),
    )
