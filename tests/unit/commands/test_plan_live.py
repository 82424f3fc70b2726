"""`plan --kubeconfig`: the waiting pods of a live cluster, read only."""

import json
from pathlib import Path

from typer.testing import CliRunner

from commands.app import app
from tests.canned_http import serving
from tests.live_answers import answers, kubeconfig, pod
from tests.plan_command import MATRIX, METADATA


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


def test_a_node_the_matrix_does_not_name_is_told_and_takes_what_needs_no_delay(
    tmp_path: Path,
) -> None:
    (tmp_path / "m.csv").write_text("edge-1,moon\n0,5\n5,0\n")
    free = pod("free", "custom-scheduler", "1", delay="")
    with serving(answers(pod("ours", "custom-scheduler", "1"), free)) as server:
        config = f"--kubeconfig={kubeconfig(tmp_path, server)}"
        ran = CliRunner().invoke(app, ["plan", config, f"--delay-matrix={tmp_path / 'm.csv'}"])

    assert ran.exit_code == 0, ran.stderr
    placement = json.loads(ran.stdout)["placement"]
    assert placement["ours"] == "edge-1"
    assert placement["free"]
    assert "does not measure 2 of the cluster's 3 nodes: cloud-1, edge-2" in ran.stderr
    assert "names 1 that the cluster does not have: moon" in ran.stderr


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
