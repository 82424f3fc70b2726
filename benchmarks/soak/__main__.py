"""Hours of churn in minutes: nothing that the service keeps may grow. `python -m benchmarks.soak`.

The whole service on real sockets, beside a simulated API server, in virtual time. Exit status 1
where a series is not flat (`benchmarks.soak.flatness`) or the service logged an error of its own.
Tables that are emptied now and then, as that of nodes that are gone, fill within 46 minutes, and
the moves of a workload count for an hour: the warm-up, a third, is to be longer.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from benchmarks.soak.flatness import Fit
from benchmarks.soak.soaking import (
    FILES,
    HEAP,
    MEMORY,
    TASKS,
    WARM_UP_SHARE,
    Plan,
    Soaked,
    soak,
)

_NOT_FLAT = 1
_FIRST = (MEMORY, HEAP, FILES, TASKS)


def main(
    *,
    hours: Annotated[float, typer.Option(help="Of the cluster's time.", min=3.2)] = 4.0,
    samples: Annotated[int, typer.Option(help="Times that all is counted.", min=20)] = 120,
    seed: Annotated[int, typer.Option(help="Of what happens.")] = 1,
    rows: Annotated[int, typer.Option(help="Tables shown, those that rise most first.")] = 20,
) -> None:
    """Soak, and print a table in Markdown."""

    def tell(at_s: float) -> None:
        if sys.stderr.isatty():
            print(f"\rsoak: {at_s / 3600:.2f} of {hours:g} h", end="", file=sys.stderr, flush=True)

    soaked = soak(Plan(hours * 3600, samples, seed, tell=tell))
    fits = soaked.fits()
    print(f"\n{_told(soaked, hours)}\n")
    print(_table(fits, rows))
    steep = [fit for fit in fits if not fit.is_flat]
    for fit in steep:
        print(f"- {fit.name} rises by {fit.rise:,.1f}, and {fit.granted:,.1f} are granted")
    for bug in soaked.bugs:
        print(f"- a bug: {bug}")
    if steep or soaked.bugs:
        raise typer.Exit(_NOT_FLAT)


def _told(soaked: Soaked, hours: float) -> str:
    happened = ", ".join(f"{what} {times:,}" for what, times in sorted(soaked.happened.items()))
    told = ", ".join(f"{what} {times:,}" for what, times in sorted(soaked.told.items()) if times)
    return f"{hours:g} h, the first {WARM_UP_SHARE:.0%} to warm up; {happened}\n\n{told}"


def _table(fits: Sequence[Fit], rows: int) -> str:
    """Return rows of the process, then of the tables that rise most by what they are granted."""
    heads = ("series", "mean", "least", "most", "rise", "granted", "verdict")
    first = [fit for name in _FIRST for fit in fits if fit.name == name]
    rest = [fit for fit in fits if fit.name not in _FIRST]
    rest.sort(key=lambda fit: (fit.rise / fit.granted, fit.name), reverse=True)
    lines = [_row(heads), _row(["---", *["---:"] * 5, "---"])]
    for fit in [*first, *rest[:rows]]:
        scale = 1e6 if fit.name == MEMORY else 1.0
        figures = (fit.mean, fit.least, fit.most, fit.rise, fit.granted)
        name = f"{fit.name}, MB" if fit.name == MEMORY else fit.name
        verdict = "flat" if fit.is_flat else "rises"
        lines.append(_row([name, *(f"{value / scale:,.1f}" for value in figures), verdict]))
    left = len(rest) - min(rows, len(rest))
    return "\n".join([*lines, "", f"{left} more tables, which rise less."])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    typer.run(main)
