"""Compares our verdicts with kube-scheduler's on many random worlds: `python -m tests.parity`.

Ends with exit status 1 where there is a difference that nothing explains.
"""

from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.parity.compare import EXPLAINED, Difference
from tests.parity.oracle_process import missing
from tests.parity.placements import Placements
from tests.parity.running import Work, run
from tests.parity.tally import Tally

_CONSOLE = Console(highlight=False, markup=False, soft_wrap=True)
_SHOWN = 25


_APP = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@_APP.command()
def main(
    cases: Annotated[int, typer.Option(help="Pods to be judged, each in its own world.")] = 100_000,
    batches: Annotated[int, typer.Option(help="Little clusters to be planned.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed makes other worlds.")] = 1,
    processes: Annotated[int, typer.Option(help="How many to run at a time.")] = 2,
) -> None:
    """Judge random pods beside kube-scheduler, plan random batches and have the outcome judged."""
    lacking = missing()
    if lacking:
        _CONSOLE.print(lacking)
        raise typer.Exit(2)
    tally, outcomes = Tally(), Placements()
    start_s = shown_s = perf_counter()
    for part in run(Work(seed, cases, batches, processes)):
        if isinstance(part, Tally):
            tally.merge(part)
        else:
            outcomes.merge(part)
        if perf_counter() - shown_s > 10:
            shown_s = perf_counter()
            _CONSOLE.print(_progress(tally, outcomes, shown_s - start_s))
    _CONSOLE.print(_progress(tally, outcomes, perf_counter() - start_s))
    _show_verdicts(tally)
    _show_explained(tally, outcomes)
    _show_differences(tally, outcomes)
    if tally.groups or outcomes.refused:
        raise typer.Exit(1)


def _progress(tally: Tally, outcomes: Placements, passed_s: float) -> str:
    unexplained = sum(group.count for group in tally.groups.values())
    refused = sum(count for count, _ in outcomes.refused.values())
    share = f"{100 * tally.feasible / tally.nodes:.0f} %" if tally.nodes else "none"
    return (
        f"{passed_s:.0f} s: {tally.cases:,} cases, {tally.nodes:,} nodes ({share} feasible), "
        f"{unexplained:,} unexplained; {outcomes.batches:,} batches, {outcomes.placed:,} pods "
        f"placed, {outcomes.waiting:,} waiting, {refused:,} refused"
    )


def _show_verdicts(tally: Tally) -> None:
    table = Table("plugin", "kube-scheduler's reason", "times")
    for (plugin, reason), count in tally.verdicts.most_common():
        table.add_row(plugin, reason, f"{count:,}")
    _CONSOLE.print(table)


def _show_explained(tally: Tally, outcomes: Placements) -> None:
    for one in EXPLAINED:
        _CONSOLE.print(f"{tally.explained[one.id]:,} explained by {one.id}: {one.why}")
    _CONSOLE.print(f"{outcomes.in_order:,} batches are legal in order, but not in any order.")


def _show_differences(tally: Tally, outcomes: Placements) -> None:
    found = [(group.count, group.first) for group in tally.groups.values()]
    found.extend(outcomes.refused.values())
    for count, first in sorted(found, key=lambda one: -one[0])[:_SHOWN]:
        _CONSOLE.print(f"{count:,} x {first.pattern}\n    first {_where(first)}")
    if len(found) > _SHOWN:
        _CONSOLE.print(f"… and {len(found) - _SHOWN} other kinds.")
    if found:
        _CONSOLE.print("See one, made small: python -m tests.parity.keep <case>")
    else:
        _CONSOLE.print("No difference that nothing explains.")


def _where(difference: Difference) -> str:
    return f"{difference.case} {difference.node}".strip()


if __name__ == "__main__":
    _APP()
