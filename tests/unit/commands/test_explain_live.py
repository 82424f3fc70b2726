"""`explain --kubeconfig`: a pod of a live cluster, listed once; and of a scheduler that runs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from tests.canned_http import Canned, serving
from tests.live_answers import answers, kubeconfig, pod
from tests.plan_command import MATRIX, METADATA

OURS = "custom-scheduler"
BOUND = pod("bound", OURS, "1", on="edge-2", annotations={"isochrone.dev/rtt": "edge-1=4ms"})
PODS = (
    BOUND,
    pod("old", OURS, "1", on="edge-1"),
    pod("theirs", "default-scheduler", "1"),
    pod("placed-by-them", "default-scheduler", "100m", on="cloud-1", delay=""),
    pod("waits", OURS, "64"),
    pod("fits", OURS, "100m"),
    pod("done", OURS, "1", on="edge-1", phase="Succeeded"),
    pod("lost", OURS, "1", on="gone-1"),
)


def explained(folder: Path, name: str, *, with_matrix: bool = True) -> str:
    (folder / "matrix.txt").write_text(MATRIX)
    (folder / "rows.json").write_text(METADATA)
    files = [f"--delay-matrix={folder / 'matrix.txt'}", f"--metadata={folder / 'rows.json'}"]
    with serving(answers(*PODS)) as server:
        config = f"--kubeconfig={kubeconfig(folder, server)}"
        arguments = ["explain", name, config, *(files if with_matrix else [])]
        ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bound", "default/bound is on edge-2\n"),
        ("bound", "measured when it was bound: edge-1=4ms\n"),
        ("bound", "today edge-1: 5ms from edge-1 (budget 10ms): holds\n"),
        ("old", "it carries no isochrone.dev/rtt: nothing was measured when it was bound"),
        ("theirs", "waits; it is addressed to default-scheduler, which decides on it"),
        ("placed-by-them", "it was placed by default-scheduler\n"),
        ("placed-by-them", "it asks for no delay"),
        ("waits", "Insufficient cpu"),
        ("fits", "decided now, alone with all that wait, it would be bound:\n  "),
        ("done", "has finished"),
        ("lost", "gone-1 is no node of the cluster any more"),
    ],
    ids=range(11),
)
def test_a_pod_is_explained_as_the_cluster_has_it(tmp_path: Path, name: str, said: str) -> None:
    assert said in explained(tmp_path, name)


def test_without_a_matrix_it_says_what_is_missing(tmp_path: Path) -> None:
    text = explained(tmp_path, "bound", with_matrix=False)

    assert "measured when it was bound: edge-1=4ms" in text
    assert "today edge-1: not measured (budget 10ms)" in text
    assert "give --delay-matrix to judge its delays" in text


def test_a_pod_that_is_not_there_is_refused_with_near_names(tmp_path: Path) -> None:
    with serving(answers(*PODS)) as server:
        config = f"--kubeconfig={kubeconfig(tmp_path, server)}"
        ran = CliRunner().invoke(app, ["explain", "wait", config])

    assert ran.exit_code == 2
    assert 'has no pod "wait"; there are, among others, waits' in ran.stderr


def test_a_cluster_and_files_together_are_refused(tmp_path: Path) -> None:
    arguments = ["explain", "x", f"--kubeconfig={tmp_path}", f"--nodes={tmp_path}"]
    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 2
    assert "--kubeconfig goes without --nodes and --pods and --plan and --port" in ran.stderr


def test_another_server_on_the_port_is_told_from_a_scheduler() -> None:
    with serving({"/api/summary": Canned(b'{"hello": 1}')}) as server:
        ran = CliRunner().invoke(app, ["explain", "x", f"--port={server.rpartition(':')[2]}"])

    assert ran.exit_code == 2
    assert "is not dev mode nor a scheduler of ours; give another --port" in ran.stderr
