"""The same input gives the same bytes, whatever Python's hash seed and the order of keys."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.plan_command import deployment, run, write_files

ROOT = Path(__file__).parents[3]
NAMES = [f"edge-{i}" for i in range(4)] + ["cloud-1"]


def files() -> dict[str, str | bytes]:
    """Return a cluster with contested rooms, a circle, a chain, spreading and pods that wait."""
    rng = np.random.default_rng(11)
    at = rng.uniform(0, 40, (len(NAMES), 2))
    rtt = np.linalg.norm(at[:, None] - at[None, :], axis=2)
    manifests = [
        deployment(
            f"app-{k}",
            memory=f"{int(rng.integers(300, 1900))}Mi",
            labels=f'{{delay_{rng.choice(NAMES)}: "{int(rng.integers(5, 30))}"}}',
        )
        for k in range(9)
    ]
    manifests += [
        deployment("left", labels='{delay_right: "20"}'),
        deployment("right", labels='{delay_left: "20", delay_edge-3: "30"}'),
        deployment("chain", labels='{delay_left: "15"}'),
        deployment("lost", labels='{delay_nobody: "5"}'),
        deployment("many").replace("spec:\n  template", "spec:\n  replicas: 3\n  template", 1),
    ]
    nodes = [
        {"name": name, "allocatable_memory": "4Gi", "cloud": name.startswith("cloud")}
        for name in NAMES
    ]
    return {
        "delay_matrix.txt": "\n".join(" ".join(f"{v:.3f}" for v in row) for row in rtt),
        "metadata.json": json.dumps({name: i for i, name in enumerate(NAMES)}),
        "nodes.json": json.dumps(nodes),
        "pods.yaml": "---\n".join(manifests),
    }


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Plan in three processes at once, each with another hash seed."""
    options = write_files(tmp_path_factory.mktemp("plan"), files())
    started = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "main.py", "plan", *options],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1", "4242")
    ]
    return [process.communicate()[0] for process in started]


def test_the_hash_seed_does_not_change_a_byte(plans: list[str]) -> None:
    assert plans[0] == plans[1] == plans[2]
    assert len(json.loads(plans[0])["placement"]) > 8
    assert "lost" in json.loads(plans[0])["unplaced"]


def test_the_order_of_keys_does_not_change_a_byte(plans: list[str], tmp_path: Path) -> None:
    shuffled = files()
    metadata = json.loads(shuffled["metadata.json"])
    shuffled["metadata.json"] = json.dumps(dict(reversed(metadata.items())))
    nodes = json.loads(shuffled["nodes.json"])
    shuffled["nodes.json"] = json.dumps([dict(reversed(node.items())) for node in nodes])

    assert run(tmp_path, shuffled).stdout == plans[0]
