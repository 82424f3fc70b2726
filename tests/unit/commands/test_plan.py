"""`plan`: what it writes and how it ends."""

import json
from pathlib import Path

from typer.testing import CliRunner

from commands.app import app
from tests.plan_command import GOOD, NODES, deployment, run


def test_a_plan_may_be_written_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "plan.json"

    ran = run(tmp_path, {}, "--output", str(out))

    assert ran.exit_code == 0
    assert out.read_text(encoding="utf-8") == run(tmp_path, {}).stdout
    assert ran.stdout == f"1 pods placed, 0 unplaced; the plan is in {out}\n"


def test_pods_outside_default_are_written_with_their_namespace(tmp_path: Path) -> None:
    shop = GOOD.replace("{name: good}", "{name: good, namespace: shop}")
    bad = deployment("bad", labels="{delay_moon: 5}").replace("bad}", "bad, namespace: shop}")

    plan = json.loads(run(tmp_path, {"pods.yaml": f"{GOOD}---\n{shop}---\n{bad}"}).stdout)

    assert set(plan["placement"]) == {"good", "shop/good"}
    assert set(plan["unplaced"]) == {"shop/bad"}


def test_keys_are_sorted_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    b, a = deployment("b", memory="2Gi"), deployment("a", memory="3Gi")

    first = json.loads(run(tmp_path, {"pods.yaml": f"{b}---\n{a}"}).stdout)

    assert list(first) == ["placeholders", "placement", "stats", "unplaced"]
    assert list(first["placement"]) == ["a", "b"]


def test_no_figure_of_a_plan_depends_on_the_clock(tmp_path: Path) -> None:
    stats = json.loads(run(tmp_path, {}).stdout)["stats"]

    assert (stats["nodes"], stats["pending"], stats["placed"], stats["unplaced"]) == (3, 1, 1, 0)
    assert not any("second" in key or key.endswith(("_s", "_ms")) for key in stats)


def test_a_running_pod_takes_room_and_keeps_its_node(tmp_path: Path) -> None:
    running = (
        "kind: Pod\nmetadata: {name: runs}\n"
        "spec: {nodeName: edge-1, containers: [{resources: {requests: {memory: 4Gi}}}]}\n"
        "status: {phase: Running}\n"
    )
    near = deployment("near", labels='{delay_edge-1: "5"}')

    plan = json.loads(run(tmp_path, {"pods.yaml": f"{near}---\n{running}"}).stdout)

    assert plan["placement"] == {"near": "edge-2", "runs": "edge-1"}
    assert plan["stats"]["running"] == 1


def test_a_running_pod_on_an_unknown_node_is_warned_of(tmp_path: Path) -> None:
    running = (
        "kind: Pod\nmetadata: {name: runs}\nspec: {nodeName: moon, containers: [{}]}\n"
        "status: {phase: Running}\n"
    )

    ran = run(tmp_path, {"pods.yaml": f"{GOOD}---\n{running}"})

    assert ran.exit_code == 0
    assert "warning: " in ran.stderr
    assert "runs on moon" in ran.stderr


def test_replicas_are_numbered_and_spread(tmp_path: Path) -> None:
    text = deployment("web", labels='{delay_edge-1: "5"}').replace(
        "spec:\n", "spec:\n  replicas: 2\n", 1
    )

    plan = json.loads(run(tmp_path, {"pods.yaml": text}).stdout)

    assert set(plan["placement"]) == {"web-0", "web-1"}
    assert set(plan["placement"].values()) == {"edge-1", "edge-2"}


def test_equality_of_rtt_and_budget_holds_and_a_hair_more_does_not(tmp_path: Path) -> None:
    rooms = {"edge-1": "0", "edge-2": "4Gi", "cloud-1": "0"}
    nodes = [{"name": name, "allocatable_memory": room} for name, room in rooms.items()]
    files: dict[str, str | bytes] = {"nodes.json": json.dumps(nodes)}

    equal = run(tmp_path, files | {"delay_matrix.txt": "0 5 20\n5 0 30\n20 30 0"})
    beyond = run(tmp_path, files | {"delay_matrix.txt": "0 5.0001 20\n5 0 30\n20 30 0"})

    assert (equal.exit_code, beyond.exit_code) == (0, 3)


def test_no_pods_at_all_is_a_plan_of_nothing(tmp_path: Path) -> None:
    text = GOOD.replace("spec:\n", "spec:\n  replicas: 0\n", 1)

    ran = run(tmp_path, {"pods.yaml": text})

    assert (ran.exit_code, json.loads(ran.stdout)["placement"]) == (0, {})


def test_nodes_without_a_matrix_do_for_pods_without_delays(tmp_path: Path) -> None:
    (tmp_path / "nodes.json").write_text(NODES, encoding="utf-8")
    (tmp_path / "pods.yaml").write_text(deployment("a"), encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("nodes.json", "pods.yaml")]

    result = CliRunner().invoke(app, ["plan", "--nodes", paths[0], "--pods", paths[1]])

    assert json.loads(result.stdout)["placement"] == {"a": "cloud-1"}
