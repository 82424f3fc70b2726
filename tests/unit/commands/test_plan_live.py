"""`plan --kubeconfig`: the waiting pods of a live cluster, read only."""

import json
from pathlib import Path

import yaml
from typer.testing import CliRunner

from commands.app import app
from tests.canned_http import Canned, serving
from tests.plan_command import MATRIX, METADATA

SERVER_LISTS = ("/api/v1/nodes", "/api/v1/pods", "/api/v1/services")


def node(name: str) -> dict[str, object]:
    return {
        "metadata": {"name": name},
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(name: str, scheduler: str, cpu: str, on: str = "") -> dict[str, object]:
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"delay_edge-1": "10"}},
        "spec": {
            "schedulerName": scheduler,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}],
        }
        | ({"nodeName": on} if on else {}),
        "status": {"phase": "Running" if on else "Pending"},
    }


def answers(*pods: dict[str, object]) -> dict[str, Canned]:
    nodes = [node(name) for name in ("edge-1", "edge-2", "cloud-1")]
    items = dict(zip(SERVER_LISTS, (nodes, list(pods), []), strict=True))
    return {
        path: Canned(json.dumps({"metadata": {}, "items": found}).encode())
        for path, found in items.items()
    }


def kubeconfig(folder: Path, server: str) -> Path:
    at = folder / "kubeconfig"
    named = {"name": "here"}
    at.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [named | {"cluster": {"server": server}}],
                "contexts": [named | {"context": {"cluster": "here", "user": "here"}}],
                "users": [named | {"user": {}}],
            }
        )
    )
    return at


def test_waiting_pods_of_ours_are_planned_around_the_load_of_others(tmp_path: Path) -> None:
    (tmp_path / "matrix.txt").write_text(MATRIX)
    (tmp_path / "rows.json").write_text(METADATA)
    pods = (
        pod("load", "default-scheduler", "1500m", on="edge-1"),
        pod("ours", "custom-scheduler", "1"),
        pod("theirs", "default-scheduler", "1"),
    )
    with serving(answers(*pods)) as server:
        ran = CliRunner().invoke(
            app,
            [
                "plan",
                f"--kubeconfig={kubeconfig(tmp_path, server)}",
                f"--delay-matrix={tmp_path / 'matrix.txt'}",
                f"--metadata={tmp_path / 'rows.json'}",
            ],
        )

    assert ran.exit_code == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["placement"]["ours"] == "edge-2"
    assert "theirs" not in document["placement"] | document["unplaced"]


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with serving({}) as server:
        gone = server
    ran = CliRunner().invoke(app, ["plan", f"--kubeconfig={kubeconfig(tmp_path, gone)}"])

    assert ran.exit_code == 2
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_cluster_and_files_together_are_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["plan", f"--kubeconfig={tmp_path}", f"--nodes={tmp_path}"])

    assert ran.exit_code == 2
    assert "--kubeconfig goes without --nodes and --pods" in ran.stderr
