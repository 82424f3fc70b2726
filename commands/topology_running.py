"""The zones that a running scheduler uses."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from commands.console import Terminal
from commands.running import RunningScheduler, running_scheduler
from commands.topology_said import detours_said, shares_said, write_picture
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError
from scheduler.topology.triangles import Triangle
from telemetry.shares import PairShares

_TITLE_WIDTH = 36
"""A narrower table would break its own title."""


def show_running(port: int, form: str) -> int:
    """Print the zones of the scheduler on a port of this machine; return the exit status.

    Raises
    ------
    InputError
        If it does not answer, or `form` is not one it can be asked for.
    """
    if form not in ("table", "json", "picture"):
        fix = "give --delay-matrix; with --port there are table, json and picture"
        raise InputError(f"--output {form}", "needs the matrix", fix)
    scheduler = running_scheduler(port)
    if form == "picture":
        _write_picture(scheduler)
        return 0
    answer = scheduler.asked("topology") or scheduler.asked("zones") or {}
    if form == "json":
        typer.echo(json.dumps(answer, indent=1))
        return 0
    _print(scheduler.summary.get("notices", ()), answer)
    return 0


def _write_picture(scheduler: RunningScheduler) -> None:
    svg = scheduler.text("topology.svg")
    if svg is None:
        raise InputError(scheduler.address, "draws no picture", "it is of an older version")
    write_picture(svg)


def _print(notices: Sequence[str], answer: Mapping[str, Any]) -> None:
    console = Terminal(markup=False, highlight=False)  # names are data
    for notice in notices:
        console.print(notice)
    if not answer.get("layers"):
        console.print("There are no zones: clustering is off, or nothing is measured.")
    for layer in answer.get("layers", ()):
        _print_layer(console, layer)
    for line in _said(answer):
        console.print(line)


def _said(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of the whole table."""
    if "unknownShare" not in answer:
        return
    yield shares_said(PairShares(answer["unknownShare"], answer["staleShare"]))
    for source in answer["sources"] or ():
        pairs, age_s = counted(source["pairs"], "pair", "pairs"), source["medianAgeSeconds"]
        yield f"From {source['source']}: {pairs}, half of them at most {age_s:g} s old."
    found = answer["worstTriangles"]
    yield from detours_said(None if found is None else tuple(_triangle(row) for row in found))


def _triangle(row: Mapping[str, Any]) -> Triangle:
    direct_us, detour_us = (round(1000 * row[key]) for key in ("directMs", "detourMs"))
    source, target = row["nodes"]
    return Triangle(source, target, row["via"], direct_us, detour_us)


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
