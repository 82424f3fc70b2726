"""From a scheduler's start to its first binding in a full cluster, beside kube-scheduler.

`python -m benchmarks.live.cold_start`: 5,000 nodes and 50,000 running pods on a real API server,
and one pod that waits. Each run starts a fresh process; runs alternate, each scheduler is first in
turn.
"""

import compileall
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from benchmarks.live.cold_report import BUDGET_S, ColdRun, table
from benchmarks.live.contenders import OURS, ROOT, Contender, missing, ours, stock
from benchmarks.live.rig import Rig
from benchmarks.live.served import Parts, flags, log_of, parts_of, read
from benchmarks.live.trial import now
from benchmarks.live.usage import cpu_s_of, peak_bytes_of
from benchmarks.live.wanted import PODS_NAMESPACE
from benchmarks.rows import RESULTS, machine_facts
from tests.real.program import NotReady

BAD_INPUT = 2
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
_FILLED_BY = 4
"""Portions of pods: the load client is waited for so long as `benchmarks.live.rig` says."""


def main(
    *,
    nodes: Annotated[int, typer.Option(min=1)] = 5_000,
    running: Annotated[int, typer.Option(help="Pods that run.", min=0)] = 50_000,
    repeats: Annotated[int, typer.Option(help="Of each scheduler and election.", min=1)] = 3,
    limit: Annotated[float, typer.Option(help="Seconds to wait for a binding.")] = 300.0,
    output: Annotated[Path, typer.Option(help="Takes a line of JSON a run.")] = RESULTS
    / "cold_start.jsonl",
    source: Annotated[Path, typer.Option(help="Checkout of Isochrone that is run.")] = ROOT,
) -> None:
    """Measure, and print a table in Markdown."""
    hindrance = missing() if sys.platform == "linux" else "CPU and memory are read from /proc"
    if hindrance:
        print(f"cold-start: {hindrance}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT)
    output.parent.mkdir(parents=True, exist_ok=True)
    for part in ("commands", "scheduler", "telemetry"):  # as the image has them
        compileall.compile_dir(source / part, quiet=1)
    runs: list[ColdRun] = []
    with tempfile.TemporaryDirectory(prefix="isochrone-cold-") as name:
        place = Path(name)
        with Rig(place, flags(place)) as rig:
            _fill(rig, nodes, running)
            for number, who, elects in _turns(source, repeats):
                try:
                    run = _run(rig, who, limit_s=limit, elects=elects, running=running)
                except NotReady as error:
                    print(f"cold-start: {who.name}, run {number}: {error}", file=sys.stderr)
                    continue
                runs.append(run)
                with output.open("ab") as file:
                    file.write(msgspec.json.encode(machine_facts() | msgspec.to_builtins(run)))
                    file.write(b"\n")
                print(f"cold-start: {run.text}", file=sys.stderr, flush=True)
    print(f"\n{os.cpu_count()} CPUs, Python {machine_facts()['python']}; budget {BUDGET_S:g} s\n")
    print(table(runs))


def _fill(rig: Rig, nodes: int, running: int) -> None:
    """Have nodes, and pods that run on them."""
    rig.grow(nodes)
    seconds = 0.0
    for part in range(_FILLED_BY):
        first, end = (running * edge // _FILLED_BY for edge in (part, part + 1))
        seconds += rig.load("runners", str(first), str(end), str(nodes))
    print(f"cold-start: {running:,} pods run after {seconds:.0f} s", file=sys.stderr, flush=True)


def _turns(source: Path, repeats: int) -> Iterator[tuple[int, Contender, bool]]:
    """Yield the runs: without an election and with one, each scheduler first in turn."""
    for number in range(repeats):
        for elects in (False, True):
            both = [ours(source, elects=elects), stock(elects=elects)]
            for who in both if number % 2 == 0 else reversed(both):
                yield number, who, elects


def _run(rig: Rig, who: Contender, *, limit_s: float, elects: bool, running: int) -> ColdRun:
    """Start a scheduler beside one pod that waits, and stop it when the pod is bound.

    Raises
    ------
    NotReady
        If the scheduler ends before, or time is up.
    """
    rig.empty(PODS_NAMESPACE)
    for lease in (OURS, "kube-scheduler"):  # an earlier leader's would have to run out first
        rig.plane.admin.delete(f"{_LEASES}/{lease}")
    place = Path(tempfile.mkdtemp(prefix=f"{who.name}-", dir=rig.place))
    with rig.watching(1) as watching:
        with closing(rig.start_load("pods", "1", "--scheduler", who.pods_name)) as loading:
            loading.seconds()
        watching.wait_for("created")
        rig.settle()
        load_before, server_before_s = os.getloadavg()[0], cpu_s_of(rig.plane.api_server.pid)
        log_at = log_of(rig.place).stat().st_size
        started_s, started_wall_s = time.monotonic(), datetime.now(UTC).timestamp()
        started = who.start(rig.kubeconfig, place)
        try:
            program = started.program
            bound = partial(watching.has_said, "written")
            program.wait_until(bound, "it binds the pod", within_s=limit_s)
            used_s, peak_mb = cpu_s_of(program.pid), peak_bytes_of(program.pid) / 1e6
            server_s = cpu_s_of(rig.plane.api_server.pid) - server_before_s
            seen = watching.seen()
        finally:
            started.program.stop()
    return ColdRun(
        at=now(),
        scheduler=who.name,
        elects=elects,
        nodes=rig.nodes,
        running=running,
        load_before=round(load_before, 2),
        first_bind_s=min(seen.bound_s.values()) - started_s,
        parts=_parts(rig.place, log_at, started_wall_s),
        cpu_s=used_s,
        server_cpu_s=server_s,
        peak_mb=peak_mb,
    )


def _parts(place: Path, log_at: int, began_s: float) -> Parts | None:
    """Return the parts of a run from what was written to the audit log since."""
    with log_of(place).open("rb") as log:
        log.seek(log_at)
        return parts_of(read(log), began_s)


if __name__ == "__main__":
    typer.run(main)
