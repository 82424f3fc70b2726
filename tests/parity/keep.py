"""Makes a case small that shows a difference, and keeps it: `python -m tests.parity.keep`."""

from collections.abc import Callable
from typing import Annotated

import typer

from tests.parity.batches import seeded_batch
from tests.parity.compare import Difference, differences, explanation
from tests.parity.kept import FOLDER, Kept, as_batch, written
from tests.parity.oracle_process import Case, OracleProcess, oracle_path
from tests.parity.ours import judged
from tests.parity.placements import wrongs
from tests.parity.shrinking import shrunk
from tests.parity.worlds import seeded_world

_BATCH = "batch-"
_APP = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@_APP.command()
def main(
    case: Annotated[str, typer.Argument(help="Its id, such as 1-731 or batch-1-38.")],
    name: Annotated[str, typer.Option(help="To keep it: the name of its file.")] = "",
    about: Annotated[
        str, typer.Option(help="To keep it: a sentence that says what it shows.")
    ] = "",
    pattern: Annotated[str, typer.Option(help="Part of the difference, where it has many.")] = "",
) -> None:
    """Print a case with all taken away that its difference does not need."""
    with OracleProcess(oracle_path()) as oracle:
        made = _batch if case.startswith(_BATCH) else _single
        text = written(made(oracle, case, about, pattern))
    typer.echo(text, nl=False)
    if name:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def _single(oracle: OracleProcess, name: str, about: str, pattern: str) -> Kept:
    def found(case: Case) -> list[Difference]:
        return list(differences(case, oracle.ask(case), judged(case)))

    seed, number = name.split("-")
    small = _small(seeded_world(int(seed), int(number)), found, pattern)
    return Kept(about, small, oracle.ask(small))


def _batch(oracle: OracleProcess, name: str, about: str, pattern: str) -> Kept:
    def found(case: Case) -> list[Difference]:
        return wrongs(oracle, as_batch(case))

    _, seed, number = name.split("-")
    made = seeded_batch(int(seed), int(number))
    whole = {**made.world, "workloads": list(made.workloads)}
    return Kept(about, batch=_small(whole, found, pattern))


def _small(case: Case, found: Callable[[Case], list[Difference]], pattern: str) -> Case:
    """Return the case, smaller where it shows a difference; rather one that nothing explains."""
    shown = [one for one in found(case) if pattern in one.pattern]
    shown.sort(key=lambda one: bool("pod" in case and explanation(case, one)))
    if not shown:
        typer.echo("There is no difference; the case is whole.", err=True)
        return case
    first = shown[0].pattern
    typer.echo(first, err=True)
    return shrunk(case, lambda one: any(first == other.pattern for other in found(one)))


if __name__ == "__main__":
    _APP()
