"""Processes killed beside a real control plane: `python -m tests.real.kill_nine --episodes 30`.

Needs `make control-plane`. Each episode kills a scheduler, the API server, etcd, or several of
them, and starts them again. Ends with 1 where anything was violated; each such episode is named
with the command that runs it alone. A seed draws all that can be drawn: processes run beside each
other as they will.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from tests.faults.outcome import Outcome
from tests.faults.table import Row, table
from tests.real.api import read_manifests
from tests.real.control_plane import ControlPlane
from tests.real.journal import READABLE
from tests.real.kills import BY_NAME, run_episode
from tests.real.programs import missing

_CONSOLE = Console(highlight=False, markup=False, soft_wrap=True)
_RIGHTS = Path(__file__).parents[2] / "configs" / "kubernetes" / "rbac.yaml"
_SHOWN = 5
"""Violations of an episode that are printed; the others mostly follow from them."""

_APP = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@contextmanager
def rig(place: Path) -> Iterator[ControlPlane]:
    """Give a control plane of its own, on which episodes can be run."""
    with ControlPlane(place, api_server_flags=READABLE) as plane:
        plane.admin.apply(read_manifests(_RIGHTS))
        yield plane


@_APP.command()
def main(
    episodes: Annotated[int, typer.Option(min=1, help="Spread evenly over what is killed.")] = 50,
    seed: Annotated[int, typer.Option(help="Of the first episode of each kind.")] = 1,
    kill: Annotated[str, typer.Option(help="Only this: " + ", ".join(BY_NAME))] = "",
    logs: Annotated[Path | None, typer.Option(help="New folder that keeps all logs.")] = None,
) -> None:
    """Run episodes; print a table of what was lost and doubled, and how long recovery took."""
    if kill and kill not in BY_NAME:
        raise typer.BadParameter(f"nothing is called {kill}; there are {', '.join(BY_NAME)}")
    if missing():
        raise typer.BadParameter(missing())
    rows = {name: Row(one) for name, one in BY_NAME.items() if kill in ("", name)}
    names, began_s, failed = list(rows), monotonic(), 0
    with tempfile.TemporaryDirectory() as own:
        place = logs or Path(own)
        place.mkdir(parents=True, exist_ok=True)
        with rig(place) as plane:
            for number in range(episodes):
                name = names[number % len(names)]
                at = seed + number // len(names)
                outcome = run_episode(plane, BY_NAME[name], at, place, tell=_CONSOLE.print)
                rows[name].add(outcome)
                failed += bool(outcome.violations)
                _show(outcome)
    _CONSOLE.print(table(rows.values()))
    _CONSOLE.print(f"{episodes} episodes, {failed} failed, in {monotonic() - began_s:.0f} s")
    command = f"python -m tests.real.kill_nine --seed {seed} --episodes {episodes}"
    _CONSOLE.print(f"again: {command}" + (f" --kill {kill}" if kill else ""))
    if failed:
        raise typer.Exit(1)


def _show(outcome: Outcome) -> None:
    """Print a line of an episode, and what it violated."""
    recovery = "never" if outcome.recovery_s is None else f"{outcome.recovery_s:.1f} s"
    head = f"{outcome.fault}, seed {outcome.seed}"
    told = f"{outcome.bound} bindings, recovery {recovery}, {outcome.passed_s:.0f} s in all"
    _CONSOLE.print(f"{'FAILED ' if outcome.violations else ''}{head}: {told}")
    for what in outcome.violations[:_SHOWN]:
        _CONSOLE.print(f"    {what}")
    if len(outcome.violations) > _SHOWN:
        _CONSOLE.print(f"    … and {len(outcome.violations) - _SHOWN} more")
    if outcome.violations:
        again = f"--seed {outcome.seed} --kill {outcome.fault} --episodes 1"
        _CONSOLE.print(f"    alone: python -m tests.real.kill_nine {again}")


if __name__ == "__main__":
    _APP()
