"""`podgen`: pods from a seed, to files or into a cluster."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer

from commands.podgen_files import STANDARD_OUTPUT, write_pods
from simulator.podgen.draw import App, draw
from simulator.podgen.mix import Mix


def run_podgen(mix: Mix, output: Path) -> int:
    """Write the pods of a mix; return the exit status.

    Raises
    ------
    InputError
        As `commands.podgen_files.write_pods`.
    """
    apps = draw(mix)
    write_pods(mix, apps, output)
    where = "" if output == STANDARD_OUTPUT else f" in {output}"
    typer.echo(f"{said(mix, apps)}{where}", err=output == STANDARD_OUTPUT)
    return 0


def said(mix: Mix, apps: Sequence[App]) -> str:
    """Return what was made, in a sentence."""
    counts: Counter[str] = Counter()
    for app in apps:
        counts["with a delay"] += app.size if app.reference else 0
        counts["in gangs"] += app.size if app.is_gang else 0
        counts["apart from their app"] += app.size if app.affinity == "apart" else 0
        counts["together with their app"] += app.size if app.affinity == "together" else 0
        counts["with a priority"] += app.size if app.priority else 0
    parts = [f"{mix.number} pods of {len(apps)} apps"]
    parts += [f"{count} {what}" for what, count in counts.items() if count]
    if mix.arrival != "batch":
        parts.append(f"arriving over {apps[-1].arrives_s[-1]:.1f} s")
    return ", ".join(parts)
