"""`replay`: a recorded decision made again, and held against what it was."""

import json
from pathlib import Path
from typing import Any

import typer

from commands.saved import document_text, plan_document
from scheduler.files.recordings import read_recording
from scheduler.planning.plan import plan
from scheduler.reliability.cover.reserves import node_reserves

DIFFERS = 1
_FEW = 10
_FIGURES = "stats"


def run_replay(path: Path) -> int:
    """Decide a recording again and say whether the plans agree; return the exit status.

    Raises
    ------
    InputError
        If the file is no recording, or is damaged.
    """
    recording = read_recording(path)
    snapshot, cover = recording.snapshot, recording.cover
    made = plan(snapshot, recording.placement, cover)
    reserves = node_reserves(snapshot, made, cover.unit) if cover.mode != "off" else ()
    text = document_text(plan_document(snapshot, made, reserves))
    size = f"{len(snapshot.pending)} pending pods on {len(snapshot.nodes)} nodes"
    if text.encode() == recording.plan:
        typer.echo(f"the plans agree, byte for byte: {size}")
        return 0
    typer.echo(f"the plans differ: {size}")
    before, after = _tree(recording.plan), json.loads(text)
    for line in _differences(before, after):
        typer.echo(f"  {line}")
    if before.get(_FIGURES, {}).get("is_truncated"):
        typer.echo("  the recorded one was cut short by the clock; this one was not")
    return DIFFERS


def _tree(plan_bytes: bytes) -> dict[str, Any]:
    try:
        found = json.loads(plan_bytes)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what is not the same, part by part, a few lines of it."""
    lines = []
    for part in sorted(before.keys() | after.keys()):
        old, new = before.get(part) or {}, after.get(part) or {}
        changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        lines += [
            f"{part}: {key}: {_said(old.get(key))} then, {_said(new.get(key))} now"
            for key in changed
        ]
    more = len(lines) - _FEW
    return lines if more <= 0 else [*lines[:_FEW], f"and {more} more"]


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)[:80]
