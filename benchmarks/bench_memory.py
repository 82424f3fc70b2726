"""Peak memory of a process that freezes a large cluster and plans once."""

from dataclasses import dataclass
from typing import Annotated

import typer

from benchmarks.processes import Usage, python
from benchmarks.rows import Report, Row

SEED = 71
BUDGET_MB = 2_000.0


@dataclass(frozen=True, slots=True)
class Size:
    """One process."""

    nodes: int
    pods: int
    classes: int
    running: int

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.nodes:,} nodes, {self.running:,} running, {self.pods:,} pending pods"


SIZES = (Size(12_500, 10_000, 1_000, 0), Size(12_500, 10_000, 1_000, 150_000))
QUICK_SIZES = (Size(5_000, 1_000, 100, 0),)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="A smaller one.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    sizes = {size.text: size for size in (QUICK_SIZES if quick else SIZES)}
    report = Report("Peak memory of a process that plans once", "bench_memory", quick)
    idle: Usage = python(["-m", "benchmarks.child", "idle"])
    with report.steps(list(sizes)) as steps:
        for step in steps:
            size = sizes[step]
            parts = (size.nodes, size.pods, size.classes, size.running, SEED)
            usage = python(["-m", "benchmarks.child", "decide", *map(str, parts)])
            report.add(
                Row(
                    f"{size.text} in {size.classes:,} classes",
                    usage.peak_mb,
                    "MB",
                    idle.peak_mb,
                    "a process that loads the same code and decides nothing",
                    BUDGET_MB,
                    note=f"{usage.wall_s:.3g} s in all",
                )
            )
    report.close()


if __name__ == "__main__":
    typer.run(main)
