"""`topology` as it is called."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from commands.app import app
from telemetry.sources.file import read_matrix
from tests.canned_http import Canned, serving
from tests.live_answers import answers, kubeconfig

ROWS = "0 1 30\n1 0 2\n30 2 0\n"


def called(tmp_path: Path, *arguments: str, rows: str = ROWS) -> tuple[int, str, str]:
    """Run `topology` on a little matrix; return status, output and errors."""
    (tmp_path / "m.txt").write_text(rows)
    (tmp_path / "names.json").write_text('{"a": 0, "b": 1, "c": 2}')
    files = ["--delay-matrix", str(tmp_path / "m.txt"), "--metadata", str(tmp_path / "names.json")]
    result = CliRunner().invoke(app, ["topology", *files, *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_table_names_the_zones_of_each_layer(tmp_path: Path) -> None:
    status, out, _ = called(tmp_path)
    assert status == 0
    assert "Within 25ms: 2 zones" in out
    assert "z100-b" in out
    assert "and 1 zone of one node" in out


def test_as_what_the_matrix_was_read_is_said_beside_the_output(tmp_path: Path) -> None:
    _, out, errors = called(tmp_path, "--output", "json", rows="0 1 30\n0 0 2\n0 0 0\n")

    assert errors.startswith(
        "note: read as milliseconds (which its form is in unless stated);"
        " only the upper half is given, and counts for both directions\n"
    )
    assert json.loads(out)["layers"]


def test_a_layer_without_shared_zones_is_one_line_and_no_empty_table(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
        "clustering: {layersMs: [0.5]}\n"
    )
    out = called(tmp_path, "--config", str(config))[1]
    assert "Within 0.5ms: 3 zones, all of one node" in out
    assert "widest pair" not in out


def test_the_table_tells_the_worst_detour(tmp_path: Path) -> None:
    assert "a - c: 30ms directly, 3ms by way of b (10.0 times)" in called(tmp_path)[1]


def test_json_holds_every_zone(tmp_path: Path) -> None:
    document = json.loads(called(tmp_path, "--output", "json")[1])
    assert [layer["diameterMs"] for layer in document["layers"]] == [5, 25, 100]
    assert document["layers"][2]["zones"] == [
        {"name": "z100-b", "nodes": ["a", "b", "c"], "medoid": "b", "widestMs": 30}
    ]
    assert (document["unknownShare"], document["staleShare"]) == (0, None)


def test_the_table_tells_which_part_of_the_pairs_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(
        '{"nodes": ["a", "b", "c"], "rtt_ms": [[0, 1, null], [1, 0, 2], [null, 2, 0]]}'
    )
    ran = CliRunner().invoke(app, ["topology", f"--delay-matrix={tmp_path / 'm.json'}"])
    assert "Pairs never measured: 33.3%; measured too long ago: n/a" in ran.stdout


def test_the_picture_is_one_svg_with_every_node(tmp_path: Path) -> None:
    status, out, _ = called(tmp_path, "--output", "picture")
    assert status == 0
    assert out.startswith("<svg ")
    assert out.count('class="dot') == 3
    assert "m.txt" in out


def test_labels_are_node_manifests(tmp_path: Path) -> None:
    first, *_ = yaml.safe_load_all(called(tmp_path, "--output", "labels")[1])
    assert first == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "a",
            "labels": {
                "isochrone.dev/zone-5ms": "z5-a",
                "isochrone.dev/zone-25ms": "z25-a",
                "isochrone.dev/zone-100ms": "z100-b",
            },
        },
    }


def test_layers_come_from_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
        "clustering: {layersMs: [2.5]}\n"
    )
    out = called(tmp_path, "--output", "json", "--config", str(config))[1]
    assert [layer["diameterMs"] for layer in json.loads(out)["layers"]] == [2.5]


@pytest.mark.parametrize("rows", ["0 1\n1 0\n2 2\n", "0 x 1\n1 0 1\n1 1 0\n", ""])
def test_a_bad_matrix_ends_with_one_sentence_and_status_2(tmp_path: Path, rows: str) -> None:
    status, out, err = called(tmp_path, rows=rows)
    assert (status, out) == (2, "")
    assert "m.txt" in err


def test_clustering_switched_off_is_said(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\nclustering: {enabled: false}\n"
    )
    status, _, err = called(tmp_path, "--config", str(config))
    assert status == 2
    assert "clustering.enabled" in err


def test_npz_is_the_matrix_itself_small_enough_for_a_config_map(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text(ROWS)
    (tmp_path / "names.json").write_text('{"a": 0, "b": 1, "c": 2}')
    files = ["--delay-matrix", str(tmp_path / "m.txt"), "--metadata", str(tmp_path / "names.json")]
    ran = CliRunner().invoke(app, ["topology", *files, "--output", "npz"])
    (tmp_path / "m.npz").write_bytes(ran.stdout_bytes)

    matrix = read_matrix(tmp_path / "m.npz")

    assert matrix.nodes == ("a", "b", "c")
    assert matrix.rtt_us.tolist() == [[0, 1000, 30_000], [1000, 0, 2000], [30_000, 2000, 0]]
    assert "3 nodes" in ran.stderr
    assert "in a ConfigMap, which holds 1048576" in ran.stderr


def test_of_a_matrix_only_the_clusters_nodes_are_shown(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("edge-1,edge-2,moon\n0,1,9\n1,0,9\n9,9,0\n")
    with serving(answers()) as server:
        config = f"--kubeconfig={kubeconfig(tmp_path, server)}"
        arguments = ["topology", config, f"--delay-matrix={tmp_path / 'm.csv'}", "--output=json"]
        ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 0, ran.stderr
    (zone,) = json.loads(ran.stdout)["layers"][2]["zones"]
    assert zone["nodes"] == ["edge-1", "edge-2"]
    assert "does not measure 1 of the cluster's 3 nodes: cloud-1" in ran.stderr


def test_a_matrix_of_another_cluster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("moon\n0\n")
    with serving(answers()) as server:
        config = f"--kubeconfig={kubeconfig(tmp_path, server)}"
        ran = CliRunner().invoke(app, ["topology", config, f"--delay-matrix={tmp_path / 'm.csv'}"])

    assert ran.exit_code == 2
    assert "measures no node of the cluster; the cluster has cloud-1, edge-1, edge-2" in ran.stderr


def test_a_running_scheduler_is_asked_for_its_zones() -> None:
    zones = [{"name": "z5-a", "nodes": 2}, {"name": "z5-b", "nodes": 1}]
    layer = {"diameterMs": 5.0, "zones": zones, "withoutZone": 1}
    answers_of_one = {
        "/api/summary": Canned(b'{"podsPlaced": 0, "notices": ["a word of caution"]}'),
        "/api/zones": Canned(json.dumps({"layers": [layer]}).encode()),
    }
    with serving(answers_of_one) as server:
        ran = CliRunner().invoke(app, ["topology", f"--port={server.rpartition(':')[2]}"])

    assert ran.exit_code == 0, ran.stderr
    for said in ("a word of caution", "Within 5ms: 2 zones", "z5-a", "and 1 zone of one node"):
        assert said in ran.stdout
    assert "1 node is in no zone" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no matrix is named; give --delay-matrix, or --port"),
        (["--port=1", "--delay-matrix=m"], "--port goes without files and --kubeconfig"),
        (["--port=1", "--output=labels"], "--output labels: needs the matrix"),
        (["--port=1"], "no dev mode answers"),
    ],
    ids=range(4),
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(app, ["topology", *arguments])

    assert (ran.exit_code, said in ran.stderr) == (2, True)


RUNNING = {"/api/summary": Canned(b'{"podsPlaced": 0}')}


def asked_on_port(server: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["topology", f"--port={server.rpartition(':')[2]}", *arguments])


def test_a_running_scheduler_tells_what_is_known_by_source_and_how_old_it_is() -> None:
    triangle = {"nodes": ["a", "c"], "via": "b", "directMs": 30, "detourMs": 3}
    whole = {
        "layers": [],
        "unknownShare": 0.1,
        "staleShare": 0.25,
        "sources": [{"source": "agent", "pairs": 6, "medianAgeSeconds": 12.5}],
        "worstTriangles": [triangle],
    }
    with serving(RUNNING | {"/api/topology": Canned(json.dumps(whole).encode())}) as server:
        ran = asked_on_port(server)

    assert ran.exit_code == 0, ran.stderr
    assert "Pairs never measured: 10.0%; measured too long ago: 25.0%." in ran.stdout
    assert "From agent: 6 pairs, half of them at most 12.5 s old." in ran.stdout
    assert "a - c: 30ms directly, 3ms by way of b (10.0 times)" in ran.stdout


def test_a_running_scheduler_draws_the_picture_itself() -> None:
    with serving(RUNNING | {"/api/topology.svg": Canned(b"<svg/>")}) as server:
        ran = asked_on_port(server, "--output=picture")

    assert (ran.exit_code, ran.stdout) == (0, "<svg/>")


def test_a_running_scheduler_that_draws_nothing_is_said_to_be_older() -> None:
    with serving(RUNNING) as server:
        ran = asked_on_port(server, "--output=picture")

    assert ran.exit_code == 2
    assert "draws no picture; it is of an older version" in ran.stderr
