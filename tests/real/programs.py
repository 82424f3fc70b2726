"""Where `make control-plane` puts its programs, and whether they are there."""

import subprocess
from functools import cache
from pathlib import Path

BUILD = Path(__file__).parents[1] / "control_plane" / "build.sh"
NEEDED = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


@cache
def folder() -> Path:
    """Return the folder of the built programs, whether or not it is there."""
    where = subprocess.run(  # noqa: S603 - our own script
        [str(BUILD), "--where"], capture_output=True, text=True, check=True, timeout=60
    )
    return Path(where.stdout.strip())


def missing() -> str:
    """Return a sentence that says what is missing and what helps, or nothing."""
    absent = [name for name in NEEDED if not (folder() / name).is_file()]
    if not absent:
        return ""
    return f"no {', '.join(absent)} in {folder()}; build them once: make control-plane (needs Go)"
