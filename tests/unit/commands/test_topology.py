"""`topology` as it is called."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from commands.app import app

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
    assert document["unknownShare"] == 0


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
