"""Whole processes: how long they take and how much memory they hold at most."""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
_LAUNCHER = Path(__file__).parent / "launcher.py"


class Usage(msgspec.Struct, frozen=True):
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    status: int

    @property
    def peak_mb(self) -> float:
        """Most memory held at once, 10^6 bytes."""
        return self.peak_bytes / 1e6


def python(arguments: Sequence[str], expected: Collection[int] = (0,)) -> Usage:
    """Run this Python with `arguments` in the project's folder.

    Raises
    ------
    RuntimeError
        If it ends with another status than `expected`.
    """
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own commands
    usage = msgspec.json.decode(done.stdout, type=Usage)
    if usage.status not in expected:
        raise RuntimeError(f"{' '.join(arguments)} ended with status {usage.status}")
    return usage
