"""`plan`: static files in, a plan out."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import typer

from commands.effort import DEFAULT, EFFORTS, Effort
from commands.ground import Inputs
from commands.saved import document_text, plan_document, write_document
from scheduler.domain.cover import CoverMode
from scheduler.domain.plan import Plan
from scheduler.domain.resources import amount_text
from scheduler.files.recordings import Recording, write_recording
from scheduler.placement.settings import OFFLINE_EFFORT, EffortSettings
from scheduler.planning.plan import plan
from scheduler.reliability.cover.reserves import node_reserves
from scheduler.reliability.cover.settings import CoverSettings

SOME_UNPLACED = 3


def run_plan(
    read: Callable[[], Inputs],
    protect: CoverMode,
    effort: str,
    output: Path | None,
    record: Path | None,
    *,
    started_s: float,
) -> int:
    """Plan what is read and write the plan; return the exit status.

    Parameters
    ----------
    read
        Reads nodes, pods, matrix and settings: from files, or from a live cluster.
    protect
        How far pods are covered.
    effort
        A key of `EFFORTS`.
    output
        Where the plan is written; None for standard output.
    record
        Where the decision is recorded, for `replay`; None for nowhere.
    started_s
        When the process started, ``time.monotonic`` seconds.

    Raises
    ------
    InputError
        If a file cannot be read or written.
    """
    inputs = read()
    for warning in inputs.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if protect == "off" and effort != DEFAULT:
        typer.echo(f"warning: --effort {effort} has no effect without --protect", err=True)
    chosen = EFFORTS[effort]
    covering = _covering(inputs.settings.cover, protect, chosen)
    placement = inputs.settings.placement
    if protect != "off" and placement.effort == OFFLINE_EFFORT:
        # The search for reserves moves pods too; the seconds are better spent there.
        placement = msgspec.structs.replace(placement, effort=EffortSettings())
    until_s = started_s + chosen.seconds
    made = plan(inputs.snapshot, placement, covering, lambda: time.monotonic() > until_s)
    reserves = node_reserves(inputs.snapshot, made, covering.unit) if protect != "off" else ()
    document = plan_document(inputs.snapshot, made, reserves)
    if record is not None:
        text = document_text(document).encode()
        write_recording(Recording(inputs.snapshot, placement, covering, text), record)
    write_document(document, output)
    unplaced = len(document["unplaced"])
    if output is not None:
        placed = len(document["placement"])
        typer.echo(f"{placed} pods placed, {unplaced} unplaced; the plan is in {output}")
        if protect != "off":
            typer.echo(_said(made))
    return SOME_UNPLACED if unplaced else 0


def _covering(settings: CoverSettings, protect: CoverMode, effort: Effort) -> CoverSettings:
    return msgspec.structs.replace(settings, mode=protect, effort=effort.cover)


def _said(made: Plan) -> str:
    stats = made.stats.cover
    reserve = _amounts(stats.reserve) or "nothing"
    text = f"{stats.covered} of {stats.wanting} pods covered, reserving {reserve}"
    if stats.most is not None:
        text += f"; proven: no plan covers more than {stats.most}"
    if stats.least:
        text += f", and as many need at least {_amounts(stats.least)}"
    if made.is_truncated:
        text += "; the search was cut short by the clock"
    return text


def _amounts(amounts: Mapping[str, int]) -> str:
    return ", ".join(amount_text(name, amount) for name, amount in sorted(amounts.items()))
