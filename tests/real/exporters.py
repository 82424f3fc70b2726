"""Where `make exporters` puts Prometheus and its exporters, and whether they are there."""

import subprocess
from functools import cache
from pathlib import Path

FETCH = Path(__file__).parents[1] / "exporters" / "fetch.sh"
NEEDED = ("prometheus", "prometheus-blackbox-exporter", "prometheus-smokeping-prober")


@cache
def folder() -> Path:
    """Return the folder of the fetched programs, whether or not it is there."""
    where = subprocess.run(  # noqa: S603 - our own script
        [str(FETCH), "--where"], capture_output=True, text=True, check=True, timeout=60
    )
    return Path(where.stdout.strip())


def missing() -> str:
    """Return a sentence that says what is missing and what helps, or nothing."""
    absent = [name for name in NEEDED if not (folder() / name).is_file()]
    if not absent:
        return ""
    return f"no {', '.join(absent)} in {folder()}; fetch them once: make exporters (Debian)"
