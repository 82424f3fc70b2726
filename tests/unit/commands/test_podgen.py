"""`podgen`: files that `plan` reads, refusals in words."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from commands.app import app
from tests.plan_command import write_files

SOME = ("--delays", "0.5", "--to", "node/edge-1", "--anti-affinity", "0.3", "--gangs", "0.4")
MORE = ("--priorities", "0:1,100:1", "--arrival", "poisson", "--rate", "5")


def podgen(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["podgen", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def planned(folder: Path, pods: Path) -> Result:
    arguments = write_files(folder, {})
    arguments[arguments.index("--pods") + 1] = str(pods)
    return CliRunner().invoke(app, ["plan", *arguments])


@pytest.mark.parametrize("name", ["pods.yaml", "pods.jsonl", "pods"])
def test_plan_reads_what_podgen_writes(tmp_path: Path, name: str) -> None:
    out = tmp_path / "made" / name
    out.parent.mkdir()

    made = podgen("-n", "30", *SOME, *MORE, "--output", str(out))
    plan = planned(tmp_path, out)

    assert made.exit_code == 0
    assert made.stdout.startswith("30 pods of ")
    assert made.stdout.endswith(f" in {out}\n")
    assert plan.exit_code in (0, 3), plan.stderr
    document = json.loads(plan.stdout)
    assert len(document["placement"]) + len(document["unplaced"]) == 30
    assert document["placement"]
    assert plan.stderr == ""


def test_all_forms_hold_the_same_objects(tmp_path: Path) -> None:
    lines, folder = tmp_path / "a.jsonl", tmp_path / "folder"
    text = podgen("-n", "20", *SOME, *MORE).stdout
    podgen("-n", "20", *SOME, *MORE, "--output", str(lines))
    podgen("-n", "20", *SOME, *MORE, "--output", str(folder))

    documents = list(yaml.safe_load_all(text))

    assert [json.loads(line) for line in lines.read_text().splitlines()] == documents
    parts = [one for file in folder.iterdir() for one in yaml.safe_load_all(file.read_text())]
    assert sorted(map(json.dumps, parts)) == sorted(map(json.dumps, documents))


def test_the_same_seed_and_options_make_the_same_bytes() -> None:
    first, again = (podgen("-n", "40", *SOME, *MORE, "--seed", "7") for _ in range(2))
    other = podgen("-n", "40", *SOME, *MORE, "--seed", "8")

    assert first.stdout_bytes == again.stdout_bytes
    assert first.stdout_bytes != other.stdout_bytes
    assert "40 pods of" in first.stderr  # beside the pods, which stay a clean stream


def test_references_may_be_the_nodes_of_a_file(tmp_path: Path) -> None:
    nodes = tmp_path / "nodes.json"
    names = [f"edge-{k}" for k in range(3)]
    nodes.write_text(json.dumps([{"name": name, "allocatable_memory": "1Gi"} for name in names]))

    text = podgen("-n", "60", "--delays", "1", "--nodes", str(nodes), "--app-size", "1").stdout

    assert all(f"to: node/{name}," in text for name in names)


def test_a_folder_with_other_manifests_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("kind: Pod\n")

    ran = podgen("-n", "3", "--output", str(tmp_path))

    assert ran.exit_code == 2
    assert "old.yaml" in ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["old.yaml"]


def test_a_folder_may_be_written_again(tmp_path: Path) -> None:
    ran = [podgen("-n", "3", "--output", str(tmp_path)).exit_code for _ in range(2)]

    assert ran == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cpu", "lots"), "--cpu: 'lots' is not a quantity"),
        (("--cpu", "2-100m"), '--cpu: "2-100m" starts above its end'),
        (("--cpu", "1-2-3"), '--cpu: "1-2-3" is no range; give, for example, 100m-2 or 500m'),
        (("--memory", "-5"), '--memory: "-5" is no range'),
        (("--within", "soon"), '--within: "soon" is no range of milliseconds'),
        (("--within", "900000"), "at most 600000 ms"),
        (("--gang-size", "many"), '--gang-size: "many" is no range of numbers'),
        (("--priorities", "high"), '--priorities: "high" is no list of priorities'),
        (("--delays", "0.5", "--to", "planet/earth"), "write to: as kind/name"),
        (("--delays", "0.5", "--to", "a, within: 1s"), "is no reference"),
        (("--delays", "0.5"), "--delays: has nothing to measure from"),
        (("--namespace", "My Team"), '--namespace: "My Team" is no name'),
        (("--prefix", "x" * 41), "at most 40"),
        (("--image", "a b"), '--image: is "a b"'),
        (("--output", "pods.txt"), "--output pods.txt: is of no form known here"),
        (("--output", "nowhere/pods.yaml"), "cannot be written (No such file or directory)"),
        (("--context", "x"), "--context: names no cluster"),
        (("--output", "-", "--kubeconfig", "x"), "contradict each other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value)[:30],
)
def test_a_wrong_value_is_refused_and_told_what_would_be_right(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    ran = podgen("-n", "5", *arguments)

    assert ran.exit_code == 2
    assert said in ran.stderr
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_kubeconfig_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    ran = podgen("-n", "1", "--kubeconfig", str(tmp_path / "none"))

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: {tmp_path / 'none'}: ")
