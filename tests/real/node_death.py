"""Fail-over under load, again and again: `python -m tests.real.node_death --repetitions 50`.

Needs `make control-plane`. A node with budgets dies, its pods are replaced, it returns; each row is
one such repetition. Ends with 1 where anything was wrong.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from tests.real.api import read_manifests
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.death import Death
from tests.real.deaths import Deaths, deadly
from tests.real.edge_load import edge_load
from tests.real.programs import missing

_RIGHTS = Path(__file__).parents[2] / "configs" / "kubernetes" / "rbac.yaml"
_COLUMNS = (
    "   # node     pods budget covered kept   taint  evict  replace      bind  ready return settle"
    "   home  total"
)


def row(number: int, death: Death) -> str:
    """Return a line of the table; times are seconds, but the slowest binding in milliseconds."""
    p = death.phases
    covered = len(death.covered)
    counts = f"{len(death.lost):4d} {covered + len(death.uncovered):6d} {covered:7d}"
    kept = covered - len(death.unkept())
    return (
        f"{number:4d} {death.node:8s} {counts} {kept:4d} {p.unreachable_s:7.2f} {p.evicted_s:6.2f}"
        f" {p.replaced_s:8.3f} {death.slowest_s * 1000:6.0f} ms {p.ready_s:6.2f}"
        f" {p.returned_s:6.2f} {p.settled_s:6.2f} {p.home_s:6.2f}"
        f" {p.total_s:6.2f}"
    )


def summary(deaths: Sequence[Death], slowest_beat_s: float) -> str:
    """Return what all of them come to."""
    ms = 1000 * np.array([bound for death in deaths for bound in death.binding_s])
    covered = sum(len(death.covered) for death in deaths)
    kept = covered - sum(len(death.unkept()) for death in deaths)
    total_s = sum(death.phases.total_s for death in deaths)
    return (
        f"{len(deaths)} deaths in {total_s:.0f} s; {len(ms)} pods with a budget, {covered} covered,"
        f" {kept} bound on their backup; bound after p50 {np.percentile(ms, 50):.0f} ms,"
        f" p99 {np.percentile(ms, 99):.0f} ms, at most {ms.max():.0f} ms; heartbeats at most"
        f" {slowest_beat_s:.2f} s apart"
    )


def _wrong(death: Death) -> list[str]:
    return [*death.faults, *death.unplaced, *death.unkept(), *death.away]


@contextmanager
def rig(place: Path, seed: int) -> Iterator[Deaths]:
    """Give a control plane of its own, with the load of a seed."""
    with ControlPlane(place) as plane:
        plane.admin.apply(read_manifests(_RIGHTS))
        token = plane.service_account_token("kube-system", "isochrone")
        kubeconfig = plane.kubeconfig("scheduler", token=token)
        with deadly(Cluster(plane, "deaths"), edge_load(seed), kubeconfig, place) as deaths:
            yield deaths


def main(
    *,
    repetitions: Annotated[int, typer.Option(min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Of the cluster and of who dies.")] = 1,
    logs: Annotated[Path | None, typer.Option(help="New folder that keeps all logs.")] = None,
) -> None:
    """Let nodes die and return."""
    if missing():
        raise typer.BadParameter(missing())
    out = Console(highlight=False, soft_wrap=True)
    rng = np.random.default_rng(seed)
    done: list[Death] = []
    with tempfile.TemporaryDirectory() as own:
        place = logs or Path(own)
        place.mkdir(parents=True, exist_ok=True)
        with rig(place, seed) as deaths:
            out.print(_COLUMNS)
            for number in range(repetitions):
                done.append(deaths.repeat(deaths.choose(rng)))
                out.print(row(number, done[-1]))
                for fault in _wrong(done[-1]):
                    out.print(f"     ! {fault}")
            late = deaths.rest()
            slowest_beat_s = deaths.slowest_beat_s
    for fault in late:
        out.print(f"     ! {fault}")
    out.print(summary(done, slowest_beat_s))
    sys.exit(bool(late) or any(map(_wrong, done)))


if __name__ == "__main__":
    typer.run(main)
