"""Isochrone beside kube-scheduler on one real API server: `make bench-live`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from benchmarks.live.choice import SCHEDULERS, read_choice
from benchmarks.live.contenders import OURS, ROOT, missing, ours, stock
from benchmarks.live.measured import MODES, Ceiling, Failure, Run
from benchmarks.live.report import ceilings, remarks, table
from benchmarks.live.rig import Rig
from benchmarks.live.scenarios import SCENARIOS
from benchmarks.live.series import Terms, measured
from benchmarks.rows import RESULTS, machine_facts

BAD_INPUT = 2
_SECRET = shutil.ignore_patterns("etcd", "certificates", "tokens.csv", "*.kubeconfig")


@dataclass(slots=True)
class _Kept:
    """What was measured: written to a file as it comes, printed at the end."""

    output: Path
    runs: list[Run] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    tops: list[Ceiling] = field(default_factory=list)

    def add(self, what: Run | Failure | Ceiling) -> None:
        line = machine_facts() | msgspec.to_builtins(what)
        with self.output.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        if isinstance(what, Run):
            self.runs.append(what)
            said = f"{what.scheduler}, {what.case.text}: {what.pods_per_s:,.0f} pods/s, "
            said += f"{what.cpu_ms_a_pod:.2f} ms CPU a pod, load before {what.load_before}"
        elif isinstance(what, Failure):
            self.failures.append(what)
            said = f"{what.scheduler}, {what.case.text}: {what.text}\n{what.why}"
        else:
            self.tops.append(what)
            said = f"{what.what}: {what.per_s:,.0f}/s, load before {what.load_before}"
        print(f"bench-live: {said}", file=sys.stderr, flush=True)

    def show(self) -> None:
        print(f"\n{os.cpu_count()} CPUs, Python {machine_facts()['python']}\n")
        if self.runs:
            print(f"{table(self.runs)}\n")
        if self.tops:
            print(f"{ceilings(self.tops)}\n")
        print("\n".join(f"- {said}" for said in remarks(self.runs, self.failures)))


def main(  # noqa: PLR0913 - typer's options
    *,
    nodes: Annotated[str, typer.Option(help="Numbers of nodes, ascending.")] = "1000,5000",
    scenarios: Annotated[str, typer.Option(help="Of these.")] = ",".join(SCENARIOS),
    modes: Annotated[str, typer.Option(help="Of these.")] = ",".join(MODES),
    schedulers: Annotated[str, typer.Option(help="Of these.")] = ",".join(SCHEDULERS),
    pods: Annotated[
        int, typer.Option(help="Of drain and arrival; 0: 2,500 plain or 1,500 others.", min=0)
    ] = 0,
    repeats: Annotated[
        int, typer.Option(help="0: one, of plain pods three, or two from 5,000 nodes on.", min=0)
    ] = 0,
    limit: Annotated[float, typer.Option(help="Seconds to wait for a scheduler.")] = 300.0,
    output: Annotated[Path, typer.Option(help="Takes a line of JSON a run.")] = RESULTS
    / "live.jsonl",
    source: Annotated[Path, typer.Option(help="Checkout of Isochrone that is run.")] = ROOT,
    logs: Annotated[Path | None, typer.Option(help="New folder that keeps all logs.")] = None,
    ceiling: Annotated[bool, typer.Option(help="Measure what no scheduler passes, too.")] = True,
) -> None:
    """Measure, and print tables in Markdown; each run is kept as a line of JSON as it ends."""
    choice = read_choice(nodes, scenarios, modes, schedulers)
    bad = choice if isinstance(choice, str) else _hindrance(logs)
    if isinstance(choice, str) or bad:
        print(f"bench-live: {bad}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT)
    output.parent.mkdir(parents=True, exist_ok=True)
    kept = _Kept(output)
    contenders = [ours(source) if name == OURS else stock() for name in choice.schedulers]
    terms = Terms(pods, repeats, limit, has_ceiling=ceiling)
    try:
        with _folder(logs) as place, Rig(place) as rig:
            for what in measured(rig, choice, contenders, terms):
                kept.add(what)
    finally:
        kept.show()


def _hindrance(logs: Path | None) -> str:
    """Return why nothing can be measured here, or nothing."""
    if logs is not None and logs.exists():
        return f"--logs {logs}: is there already; name a new folder"
    if sys.platform != "linux":
        return "CPU seconds are read from /proc, which only Linux has"
    return missing()


@contextmanager
def _folder(logs: Path | None) -> Iterator[Path]:
    """Yield a temporary folder; keep what is no secret of it in `logs`."""
    with tempfile.TemporaryDirectory(prefix="isochrone-bench-") as name:
        try:
            yield Path(name)
        finally:
            if logs is not None:
                shutil.copytree(name, logs, ignore=_SECRET)


if __name__ == "__main__":
    typer.run(main)
