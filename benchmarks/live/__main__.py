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

from benchmarks.live.contenders import ROOT, missing, ours, stock
from benchmarks.live.measured import MODES, Ceiling, Run
from benchmarks.live.report import ceilings, remarks, table
from benchmarks.live.rig import Rig
from benchmarks.live.series import cases, measured, tops
from benchmarks.rows import RESULTS, machine_facts

BAD_INPUT = 2
_SECRET = shutil.ignore_patterns("etcd", "certificates", "tokens.csv", "*.kubeconfig")


@dataclass(slots=True)
class _Kept:
    """What was measured: written to a file as it comes, printed at the end."""

    output: Path
    runs: list[Run] = field(default_factory=list)
    tops: list[Ceiling] = field(default_factory=list)

    def add(self, what: Run | Ceiling) -> None:
        line = machine_facts() | msgspec.to_builtins(what)
        with self.output.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        if isinstance(what, Run):
            self.runs.append(what)
            said = f"{what.scheduler}, {what.case.mode}: {what.pods_per_s:,.0f} pods/s"
            said += f", {what.cpu_ms_a_pod:.2f} ms CPU a pod"
        else:
            self.tops.append(what)
            said = f"{what.what}: {what.per_s:,.0f}/s"
        print(f"bench-live: {said}, load before {what.load_before}", file=sys.stderr, flush=True)

    def show(self) -> None:
        print(f"\n{os.cpu_count()} CPUs, Python {machine_facts()['python']}\n")
        if self.runs:
            print(f"{table(self.runs)}\n")
        if self.tops:
            print(f"{ceilings(self.tops)}\n")
        print("\n".join(f"- {said}" for said in remarks(self.runs)))


def main(  # noqa: PLR0913 - typer's options
    *,
    nodes: Annotated[str, typer.Option(help="Numbers of nodes, ascending.")] = "1000,5000",
    modes: Annotated[str, typer.Option(help="Of these.")] = ",".join(MODES),
    pods: Annotated[int, typer.Option(help="Of drain and arrival.", min=2)] = 2_500,
    repeats: Annotated[int, typer.Option(help="0: three, and two from 5,000 nodes on.")] = 0,
    output: Annotated[Path, typer.Option(help="Takes a line of JSON a run.")] = RESULTS
    / "live.jsonl",
    source: Annotated[Path, typer.Option(help="Checkout of Isochrone that is run.")] = ROOT,
    logs: Annotated[Path | None, typer.Option(help="New folder that keeps all logs.")] = None,
    ceiling: Annotated[bool, typer.Option(help="Measure what no scheduler passes, too.")] = True,
) -> None:
    """Measure, and print tables in Markdown; each run is kept as a line of JSON as it ends."""
    wanted, bad = _read(nodes, modes, logs)
    if bad:
        print(f"bench-live: {bad}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT)
    output.parent.mkdir(parents=True, exist_ok=True)
    kept = _Kept(output)
    try:
        with _folder(logs) as place, Rig(place) as rig:
            for number in wanted:
                some = cases(number, [m for m in MODES if m in modes.split(",")], pods)
                rig.grow(number, some[0].preset)
                for top in tops(rig, some[0], repeats) if ceiling else ():
                    kept.add(top)
                for run in measured(rig, some, (ours(source), stock()), repeats):
                    kept.add(run)
    finally:
        kept.show()


def _read(nodes: str, modes: str, logs: Path | None) -> tuple[list[int], str]:
    """Return the numbers of nodes, and what is wrong with options or machine, or nothing."""
    parts = nodes.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        return [], f"--nodes {nodes}: give numbers above 0, as 1000,5000"
    numbers = [int(part) for part in parts]
    if numbers != sorted(set(numbers)):
        return [], f"--nodes {nodes}: nodes are only added; give the numbers in ascending order"
    unknown = [mode for mode in modes.split(",") if mode not in MODES]
    if unknown:
        return [], f"--modes: there is no {', '.join(unknown)}; there are {', '.join(MODES)}"
    if logs is not None and logs.exists():
        return [], f"--logs {logs}: is there already; name a new folder"
    if sys.platform != "linux":
        return [], "CPU seconds are read from /proc, which only Linux has"
    return numbers, missing()


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
