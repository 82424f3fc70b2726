"""Runs of the plan command on small files, for tests."""

import json
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from commands.app import app

MATRIX = "0 5 20\n5 0 30\n20 30 0\n"
METADATA = '{"edge-1": 0, "edge-2": 1, "cloud-1": 2}'
NODES = json.dumps(
    [
        {"name": "edge-1", "allocatable_memory": "4Gi", "cloud": False},
        {"name": "edge-2", "allocatable_memory": "4Gi", "cloud": False},
        {"name": "cloud-1", "allocatable_memory": "16Gi", "cloud": True},
    ]
)
SETTINGS = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"


def deployment(name: str, memory: str = "1Gi", labels: str = "{}", spec: str = "") -> str:
    """Return the manifest of a Deployment of one pod."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: {name}}}\n"
        "spec:\n  template:\n"
        f"    metadata: {{labels: {labels}}}\n"
        f"    spec: {{containers: [{{name: c, resources: {{requests: {{memory: {memory}}}}}}}]"
        f"{spec}}}\n"
    )


GOOD = deployment("good", labels='{delay_edge-1: "5"}')


@dataclass(frozen=True)
class Ran:
    """How a run of the command ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(folder: Path, files: dict[str, str | bytes], *more: str) -> Ran:
    """Run `plan` on the good files with some of them replaced."""
    arguments = [*write_files(folder, files), *more]
    result = CliRunner().invoke(app, ["plan", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Ran(result.exit_code, result.stdout, result.stderr)


def write_files(folder: Path, files: dict[str, str | bytes]) -> list[str]:
    """Write the good files with some of them replaced; return the options that name them."""
    good: dict[str, str | bytes] = {
        "delay_matrix.txt": MATRIX,
        "metadata.json": METADATA,
        "nodes.json": NODES,
        "pods.yaml": GOOD,
    }
    for name, content in (good | files).items():
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)
    options = ("--delay-matrix", "--metadata", "--nodes", "--pods")
    paths = (str(folder / name) for name in good)
    return [part for pair in zip(options, paths, strict=True) for part in pair]
