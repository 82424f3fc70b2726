"""`explain`: on files, on a saved plan, and where nobody can answer."""

import json
from pathlib import Path

from typer.testing import CliRunner

from commands.app import app
from tests.plan_command import GOOD, Ran, deployment, write_files

FAR = deployment("far", labels='{delay_cloud-1: "1"}', memory="64Gi")


def explain(*arguments: str) -> Ran:
    result = CliRunner().invoke(app, ["explain", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Ran(result.exit_code, result.stdout, result.stderr)


def files(folder: Path) -> list[str]:
    return write_files(folder, {"pods.yaml": f"{GOOD}---\n{FAR}"})


def saved_plan(folder: Path) -> Path:
    path = folder / "plan.json"
    CliRunner().invoke(app, ["plan", *files(folder), "--output", str(path)])
    return path


def test_a_placed_pod_is_explained_with_its_measured_rtt(tmp_path: Path) -> None:
    ran = explain("good", *files(tmp_path))

    assert ran.exit_code == 0
    assert "good is on edge-1" in ran.stdout
    assert "edge-1: 0ms" in ran.stdout


def test_a_pod_that_waits_is_explained_with_its_reasons(tmp_path: Path) -> None:
    ran = explain("default/far", *files(tmp_path))

    assert ran.exit_code == 0
    assert "far waits" in ran.stdout
    assert "Insufficient memory" in ran.stdout


def test_a_saved_plan_is_explained_as_the_fresh_one_was(tmp_path: Path) -> None:
    path = saved_plan(tmp_path)

    for pod in ("good", "far"):
        fresh = explain(pod, *files(tmp_path))
        assert explain(pod, *files(tmp_path), "--plan", str(path)) == fresh


def test_a_saved_plan_is_explained_not_the_one_made_now(tmp_path: Path) -> None:
    path = saved_plan(tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["placement"]["good"] = "edge-2"
    path.write_text(json.dumps(document), encoding="utf-8")

    ran = explain("good", *files(tmp_path), "--plan", str(path))

    assert "good is on edge-2" in ran.stdout


def test_a_saved_plan_alone_says_what_it_holds(tmp_path: Path) -> None:
    path = saved_plan(tmp_path)

    assert explain("good", "--plan", str(path)).stdout.startswith("good goes to edge-1.\n")
    assert "far waits: " in explain("default/far", "--plan", str(path)).stdout


def test_a_plan_of_other_pods_or_nodes_is_refused(tmp_path: Path) -> None:
    path = saved_plan(tmp_path)
    good = json.loads(path.read_text(encoding="utf-8"))
    cases = {
        "the unknown node moon": good | {"placement": {"good": "moon"}},
        "is not among the pods": good | {"placement": good["placement"] | {"x": "edge-1"}},
        "does not know the pod good": good | {"placement": {}},
        "placement: is not an object": {"placement": []},
        "is not a saved plan": [],
    }

    for said, document in cases.items():
        path.write_text(json.dumps(document), encoding="utf-8")
        ran = explain("good", *files(tmp_path), "--plan", str(path))
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert said in ran.stderr


def test_an_unknown_pod_is_refused_with_near_names(tmp_path: Path) -> None:
    ran = explain("goood", *files(tmp_path))

    assert ran.exit_code == 2
    assert 'has no pod "goood"; there are, among others, good' in ran.stderr


def test_half_of_the_files_is_refused(tmp_path: Path) -> None:
    ran = explain("good", "--nodes", str(tmp_path))

    assert (ran.exit_code, "--pods is missing" in ran.stderr) == (2, True)


def test_no_dev_mode_is_said_with_what_helps() -> None:
    # Port 1 is privileged and nothing of ours ever listens there.
    ran = explain("good", "--port", "1")

    assert ran.exit_code == 2
    assert "no dev mode answers; start it with python3 main.py" in ran.stderr
