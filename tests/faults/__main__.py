"""Runs the scheduler through many episodes of harm: `python -m tests.faults`.

Ends with exit status 1 where anything was violated; each such episode is named with the command
that runs it alone. The same seed makes the same episodes, step by step.
"""

import gc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from tests.faults.episode import run_episode
from tests.faults.kinds.every import BY_NAME
from tests.faults.outcome import Outcome
from tests.faults.table import Row, table

_CONSOLE = Console(highlight=False, markup=False, soft_wrap=True)
_PROGRESS_S = 30.0
_AT_ONCE = 8
"""Episodes that are handed to a process together."""

_SHOWN = 3
"""Violations of an episode that are printed; the others mostly follow from them."""

_APP = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@_APP.command()
def main(
    episodes: Annotated[int, typer.Option(help="In all, spread evenly over the faults.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the first episode of each fault.")] = 1,
    fault: Annotated[str, typer.Option(help="Only this fault.")] = "",
    processes: Annotated[int, typer.Option(help="How many to run at a time.")] = 1,
    *,
    show_table: Annotated[
        bool, typer.Option("--table", help="Print the table and failures alone.")
    ] = False,
) -> None:
    """Run episodes; print a table of what was lost and doubled, and how long recovery took."""
    if fault and fault not in BY_NAME:
        _CONSOLE.print(f"there is no fault {fault}; there are {', '.join(BY_NAME)}")
        raise typer.Exit(2)
    rows = {name: Row(one) for name, one in BY_NAME.items() if fault in ("", name)}
    names = list(rows)
    wanted = [(names[k % len(names)], seed + k // len(names)) for k in range(episodes)]
    start_s = shown_s = perf_counter()
    failed = 0
    for number, outcome in enumerate(_outcomes(wanted, processes), 1):
        rows[outcome.fault].add(outcome)
        if outcome.violations:
            failed += 1
            _show(outcome)
        if not show_table and perf_counter() - shown_s > _PROGRESS_S:
            shown_s = perf_counter()
            _CONSOLE.print(f"{shown_s - start_s:.0f} s: {number:,} episodes, {failed:,} failed")
    _CONSOLE.print(table(rows.values()))
    if not show_table:
        hours = sum(row.passed_s for row in rows.values()) / 3600
        took_s = perf_counter() - start_s
        _CONSOLE.print(f"{episodes:,} episodes, {hours:.1f} h of virtual time, in {took_s:.0f} s")
        command = f"python -m tests.faults --seed {seed} --episodes {episodes}"
        _CONSOLE.print(f"again: {command}" + (f" --fault {fault}" if fault else ""))
    if failed:
        raise typer.Exit(1)


def _outcomes(wanted: list[tuple[str, int]], processes: int) -> Iterator[Outcome]:
    """Yield what came of each episode, in order."""
    gc.freeze()  # what was imported is looked through no more
    if processes == 1:
        yield from map(_outcome, wanted)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_outcome, wanted, chunksize=_AT_ONCE)


def _outcome(wanted: tuple[str, int]) -> Outcome:
    name, seed = wanted
    return run_episode(BY_NAME[name], seed)


def _show(outcome: Outcome) -> None:
    _CONSOLE.print(f"FAILED {outcome.fault}, seed {outcome.seed}:")
    for what in outcome.violations[:_SHOWN]:
        _CONSOLE.print(f"    {what}")
    if len(outcome.violations) > _SHOWN:
        _CONSOLE.print(f"    … and {len(outcome.violations) - _SHOWN} more")
    command = f"python -m tests.faults --seed {outcome.seed} --fault {outcome.fault} --episodes 1"
    _CONSOLE.print(f"    alone: {command}")


if __name__ == "__main__":
    _APP()
