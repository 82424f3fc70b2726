"""The zones that a running scheduler uses."""

import json
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from commands.console import Terminal
from commands.running import running_scheduler
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError

_TITLE_WIDTH = 36
"""A narrower table would break its own title."""


def show_running(port: int, form: str) -> int:
    """Print the zones of the scheduler on a port of this machine; return the exit status.

    Raises
    ------
    InputError
        If it does not answer, or `form` is not one it can be asked for.
    """
    if form not in ("table", "json"):
        fix = "give --delay-matrix; with --port there are table and json"
        raise InputError(f"--output {form}", "needs the matrix", fix)
    scheduler = running_scheduler(port)
    answer = scheduler.asked("zones") or {}
    if form == "json":
        typer.echo(json.dumps(answer, indent=1))
        return 0
    console = Terminal(markup=False, highlight=False)  # names are data
    for notice in scheduler.summary.get("notices", ()):
        console.print(notice)
    if not answer.get("layers"):
        console.print("There are no zones: clustering is off, or nothing is measured.")
    for layer in answer.get("layers", ()):
        _print_layer(console, layer)
    return 0


def _print_layer(console: Console, layer: Mapping[str, Any]) -> None:
    zones = sorted(layer["zones"], key=lambda zone: (-zone["nodes"], zone["name"]))
    shared = [zone for zone in zones if zone["nodes"] > 1]
    title = title_of(round(layer["diameterMs"] * 1000), len(zones))
    if shared:
        table = Table("zone", "nodes", title=title, min_width=_TITLE_WIDTH)
        for zone in shared:
            table.add_row(zone["name"], str(zone["nodes"]))
        table.caption = alone(len(zones) - len(shared))
        console.print(table)
    else:
        console.print(f"{title}, all of one node")
    if layer["withoutZone"]:
        console.print(f"{counted(layer['withoutZone'], 'node is', 'nodes are')} in no zone")


def title_of(max_rtt_us: int, zones: int) -> str:
    """Return the title of a layer's table."""
    return f"Within {format_ms(max_rtt_us)}: {counted(zones, 'zone', 'zones')}"


def alone(zones: int) -> str:
    """Return what is said of zones of one node; nothing where there are none."""
    return f"and {counted(zones, 'zone of one node', 'zones of one node')}" if zones else ""


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many}"
