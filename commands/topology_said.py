"""What `topology` says of a whole matrix, from files and from a running scheduler alike."""

import sys
from collections.abc import Iterator

import typer

from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError
from scheduler.topology.triangles import LARGEST, Triangle
from telemetry.shares import PairShares


def shares_said(shares: PairShares) -> str:
    """Return which part of the pairs is not known."""
    stale = "n/a, all are of one age" if shares.stale is None else f"{shares.stale:.1%}"
    return f"Pairs never measured: {shares.unknown:.1%}; measured too long ago: {stale}."


def detours_said(triangles: tuple[Triangle, ...] | None) -> Iterator[str]:
    """Yield the worst triangles, or that there are too many nodes to look for them."""
    if triangles is None:
        yield f"Detours are looked for among {LARGEST} nodes at most."
    for t in triangles or ():
        yield (
            f"{t.source} - {t.target}: {format_ms(t.direct_us)} directly, "
            f"{format_ms(t.detour_us)} by way of {t.via} ({t.ratio:.1f} times)"
        )


def write_picture(svg: str) -> None:
    """Write a picture to standard output.

    Raises
    ------
    InputError
        If that is a terminal.
    """
    if sys.stdout.isatty():
        raise InputError("standard output", "is a terminal", "add > zones.svg")
    typer.echo(svg, nl=False)
