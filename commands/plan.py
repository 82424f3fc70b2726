"""`plan`: static files in, a plan out."""

from collections.abc import Callable
from pathlib import Path

import typer

from commands.ground import Inputs
from commands.saved import plan_document, write_document
from scheduler.domain.errors import InputError
from scheduler.planning.plan import plan

SOME_UNPLACED = 3


def run_plan(read: Callable[[], Inputs], protect: str, output: Path | None) -> int:
    """Plan what is read and write the plan; return the exit status.

    Parameters
    ----------
    read
        Reads nodes, pods, matrix and settings: from files, or from a live cluster.
    protect
        ``off``; the other levels of cover are refused.
    output
        Where the plan is written; None for standard output.

    Raises
    ------
    InputError
        If a file cannot be read or written, or `protect` asks for what is not implemented.
    """
    if protect != "off":
        raise InputError(
            f"--protect {protect}",
            "is not implemented yet: no pod would be covered",
            "leave it out, or give --protect off",
        )
    inputs = read()
    for warning in inputs.warnings:
        typer.echo(f"warning: {warning}", err=True)
    document = plan_document(inputs.snapshot, plan(inputs.snapshot, inputs.settings.placement))
    write_document(document, output)
    unplaced = len(document["unplaced"])
    if output is not None:
        placed = len(document["placement"])
        typer.echo(f"{placed} pods placed, {unplaced} unplaced; the plan is in {output}")
    return SOME_UNPLACED if unplaced else 0
