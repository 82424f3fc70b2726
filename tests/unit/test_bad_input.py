"""Every kind of bad input, through the command line: one sentence, and what else was placed.

Two kinds. What cannot be read ends `plan` with exit status 2 and one sentence on stderr that names
where, what, and what would be right. What can be read but asks for nonsense leaves that pod
unplaced, exit status 3, with a reason that names the key and the value; the others are placed.
"""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.plan_command import GOOD, SETTINGS, Ran, deployment, run


def assert_refused(ran: Ran, said: tuple[str, ...]) -> None:
    assert ran.exit_code == 2, ran.stdout
    assert ran.stdout == ""
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
    for part in said:
        assert part in ran.stderr


def test_the_good_files_are_planned(tmp_path: Path) -> None:
    ran = run(tmp_path, {})

    assert (ran.exit_code, ran.stderr) == (0, "")
    plan = json.loads(ran.stdout)
    assert set(plan) == {"placement", "placeholders", "unplaced", "stats"}
    assert plan["placement"]["good"] in ("edge-1", "edge-2")
    assert (plan["placeholders"], plan["unplaced"]) == ({}, {})


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert run(tmp_path, {}).stdout == run(tmp_path, {}).stdout


def tar_of(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def node(**fields: object) -> str:
    return json.dumps([{"name": "edge-1", "allocatable_memory": "4Gi"} | fields])


BINARY = bytes(range(256)) * 4
UTF16 = "kind: Pod".encode("utf-16")

REFUSED: dict[str, tuple[dict[str, str | bytes], tuple[str, ...]]] = {
    # The matrix
    "matrix is empty": ({"delay_matrix.txt": ""}, ("delay_matrix.txt", "is empty")),
    "matrix is blank": ({"delay_matrix.txt": "\n \n"}, ("delay_matrix.txt", "is empty")),
    "matrix is binary": ({"delay_matrix.txt": BINARY}, ("delay_matrix.txt", "is binary")),
    "matrix is UTF-16": ({"delay_matrix.txt": UTF16}, ("delay_matrix.txt", "save it as UTF-8")),
    "matrix is not square": (
        {"delay_matrix.txt": "0 5 20\n5 0 30\n"}, ("delay_matrix.txt", "is not a square matrix"),
    ),
    "matrix is ragged": (
        {"delay_matrix.txt": "0 5 20\n5 0\n20 30 0"}, ("delay_matrix.txt:2", "has 2 values"),
    ),
    "matrix is not numeric": (
        {"delay_matrix.txt": "0 5 20\n5 0 fast\n20 30 0"}, ("delay_matrix.txt:2", '"fast"'),
    ),
    "matrix has NaN": (
        {"delay_matrix.txt": "0 5 nan\n5 0 30\n20 30 0"}, ("row 0, column 2", "is nan"),
    ),
    "matrix has infinity": (
        {"delay_matrix.txt": "0 5 20\n5 0 30\n20 inf 0"}, ("row 2, column 1", "is inf"),
    ),
    "matrix has 1e400": (
        {"delay_matrix.txt": "0 5 20\n5 0 30\n20 1e400 0"}, ("row 2, column 1", "is inf"),
    ),
    "matrix is negative": (
        {"delay_matrix.txt": "0 -5 20\n5 0 30\n20 30 0"}, ("row 0, column 1", "is -5"),
    ),
    "matrix is larger than the names": (
        {"delay_matrix.txt": "0 1 1 1\n1 0 1 1\n1 1 0 1\n1 1 1 0"},
        ("metadata.json", "names 3 nodes", "4 rows", "row 3 has no node"),
    ),
    "matrix is smaller than the names": (
        {"delay_matrix.txt": "0 5\n5 0"}, ("metadata.json", '"cloud-1"', "has row 2", "has 2 rows"),
    ),
    # The metadata
    "metadata is empty": ({"metadata.json": ""}, ("metadata.json", "is empty")),
    "metadata is no JSON": ({"metadata.json": "{'a': 0}"}, ("metadata.json:1:2", "is not JSON")),
    "metadata is a list": ({"metadata.json": "[]"}, ("metadata.json", "is not a JSON object")),
    "metadata names nothing": ({"metadata.json": "{}"}, ("metadata.json", "names no node")),
    "a row is claimed twice": (
        {"metadata.json": '{"edge-1": 0, "edge-2": 0, "cloud-1": 2}'},
        ("metadata.json", '"edge-2": claims row 0, as "edge-1" does'),
    ),
    "a name is given two rows": (
        {"metadata.json": '{"edge-1": 0, "edge-1": 1, "cloud-1": 2}'},
        ("metadata.json", '"edge-1" is given twice'),
    ),
    "a row is missing": (
        {"metadata.json": '{"edge-1": 0, "edge-2": 1}'}, ("metadata.json", "row 2 has no node"),
    ),
    "a row is beyond the matrix": (
        {"metadata.json": '{"edge-1": 0, "edge-2": 1, "cloud-1": 3}'}, ('"cloud-1": has row 3',),
    ),
    "a row is text": (
        {"metadata.json": '{"edge-1": "0", "edge-2": 1, "cloud-1": 2}'}, ('has row "0"',),
    ),
    "a row is a fraction": (
        {"metadata.json": '{"edge-1": 0.5, "edge-2": 1, "cloud-1": 2}'}, ("has row 0.5",),
    ),
    "a row is negative": (
        {"metadata.json": '{"edge-1": -1, "edge-2": 1, "cloud-1": 2}'}, ("has row -1",),
    ),
    "a row is a boolean": (
        {"metadata.json": '{"edge-1": false, "edge-2": 1, "cloud-1": 2}'}, ("has row False",),
    ),
    "metadata names an unknown node": (
        {"metadata.json": '{"edge-1": 0, "edge-2": 1, "moon": 2}'},
        ("metadata.json", 'names node "moon"', "nodes.json does not have"),
    ),
    "the matrix is for more nodes than there are": (
        {"nodes.json": node()}, ("metadata.json", "names 3 nodes", "has 1"),
    ),
    "a node has no row": (
        {
            "delay_matrix.txt": "0 5\n5 0",
            "metadata.json": '{"edge-1": 0, "edge-2": 1}',
        },
        ("metadata.json", 'has no row for node "cloud-1"', "names 2 nodes"),
    ),
    # The nodes
    "nodes are empty": ({"nodes.json": ""}, ("nodes.json", "is empty")),
    "nodes are binary": ({"nodes.json": BINARY}, ("nodes.json", "is binary")),
    "nodes are no JSON": ({"nodes.json": "[{]"}, ("nodes.json:1:", "is not JSON")),
    "there is no node": ({"nodes.json": "[]"}, ("nodes.json", "holds no node")),
    "a node is a number": ({"nodes.json": "[5]"}, ("nodes.json: entry 1", "is 5, not a node")),
    "a node has no name": (
        {"nodes.json": '[{"allocatable_memory": "1Gi"}]'}, ("nodes.json: entry 1", "has no name"),
    ),
    "a node has no capacity": (
        {"nodes.json": '[{"name": "edge-1", "cloud": false}]'},
        ("nodes.json", '"edge-1"', "has no allocatable_memory"),
    ),
    "a Kubernetes node has no capacity": (
        {"nodes.json": '{"kind": "Node", "metadata": {"name": "edge-1"}}'},
        ("nodes.json", "Node edge-1: status.allocatable", "is missing"),
    ),
    "two nodes have one name": (
        {"nodes.json": f"[{node()[1:-1]}, {node()[1:-1]}]"},
        ("nodes.json: entry 2", 'names "edge-1", which is also in'),
    ),
    "memory is abc": (
        {"nodes.json": node(allocatable_memory="abc")},
        ('node "edge-1"', "memory", '"abc" is not a quantity', '"1.5Gi"'),
    ),
    "memory is negative": (
        {"nodes.json": node(allocatable_memory="-4Gi")}, ("memory", "-4Gi", "is at least 0"),
    ),
    "a node's key is misspelt": (
        {"nodes.json": node(Cloud=True)}, ("nodes.json", "Cloud", "did you mean cloud?"),
    ),
    "a node's room is misspelt": (
        {"nodes.json": node(alocatable_cpu=4)}, ("nodes.json", "alocatable_cpu", "Node manifest"),
    ),
    "metadata is YAML": (
        {"metadata.json": "edge-1: 0\n"}, ("metadata.json", "is not JSON", '{"edge-1": 0'),
    ),
    "cloud is a text": ({"nodes.json": node(cloud="no")}, ("cloud", "is no", "true or false")),
    "a key is given twice": (
        {"nodes.json": '{"name": "edge-1", "name": "edge-2", "allocatable_memory": "1Gi"}'},
        ("nodes.json", '"name" is given twice'),
    ),
    # The pods
    "pods are empty": ({"pods.yaml": ""}, ("pods.yaml", "is empty")),
    "pods are binary": ({"pods.yaml": BINARY}, ("pods.yaml", "is binary")),
    "pods are UTF-16": ({"pods.yaml": UTF16}, ("pods.yaml", "is UTF-16")),
    "pods are no YAML": ({"pods.yaml": "a: b: c"}, ("pods.yaml:1", "is not YAML")),
    "YAML is indented by a tab": ({"pods.yaml": "kind: Pod\nspec:\n\tcontainers: []"},
        ("pods.yaml:3", "is not YAML", "indent with spaces")),
    "YAML nests without end": ({"pods.yaml": "[" * 100_000}, ("pods.yaml:1", "nests deeper")),
    "YAML gives a label twice": (
        {"pods.yaml": deployment("a", labels="{delay_a: 5, delay_a: 6}")},
        ("pods.yaml:6", '"delay_a" twice'),
    ),
    "there is no pod": ({"pods.yaml": "kind: ConfigMap"}, ("pods.yaml", "holds no pod")),
    "pods are a list of texts": ({"pods.yaml": "- a"}, ("pods.yaml", "not a Kubernetes object")),
    "a pod has no containers": (
        {"pods.yaml": "kind: Pod\nmetadata: {name: a}\nspec: {}"},
        ("pods.yaml", "Pod default/a: spec.containers", "is empty"),
    ),
    "two pods have one name": (
        {"pods.yaml": f"{GOOD}---\n{GOOD}"}, ("pods.yaml", "Pod default/good", "is also in"),
    ),
    "a request is abc": (
        {"pods.yaml": deployment("a", memory="abc")},
        ("pods.yaml", "Pod default/a: spec.containers[0].resources.requests.memory", '"abc"'),
    ),
    "a request is negative": (
        {"pods.yaml": deployment("a", memory="-1Gi")}, ("requests.memory", '"-1Gi"'),
    ),
    "a label is a boolean": (
        {"pods.yaml": deployment("a", labels="{ready: true}")}, ("metadata.labels.ready: is true",),
    ),
    "labels are a list": (
        {"pods.yaml": deployment("a", labels="[a, b]")}, ("metadata.labels: is a list",),
    ),
    "replicas are a text": (
        {"pods.yaml": GOOD.replace("spec:\n", "spec:\n  replicas: many\n", 1)},
        ("Deployment good: spec.replicas", "is text (many)", "write a whole number"),
    ),
    "a kind is misspelt": (
        {"pods.yaml": GOOD.replace("Deployment", "Deploymnt")}, ("pods.yaml", "Deploymnt"),
    ),
    "an archive is cut off": (
        {"pods.yaml": tar_of("a.yaml", GOOD.encode())[:50]}, ("pods.yaml", "damaged archive"),
    ),
    "an archive has no manifests": (
        {"pods.yaml": tar_of("a.txt", b"a")}, ("pods.yaml", "has no .yaml"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    files, said = REFUSED[case]

    assert_refused(run(tmp_path, files), said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SETTINGS + "placment: {}\n", "placment"),
        ("", "is empty"),
        ("a: [", "is not YAML"),
        (SETTINGS + "placement: {cloud: {overflow: maybe}}\n", "overflow"),
    ],
    ids=["unknown key", "empty", "not YAML", "unknown value"],
)
def test_bad_settings_are_refused_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")

    assert_refused(run(tmp_path, {}, "--config", str(path)), ("settings.yaml", said))


@pytest.mark.parametrize(
    "option", ["--delay-matrix", "--metadata", "--nodes", "--pods", "--config"]
)
def test_a_missing_file_is_named(tmp_path: Path, option: str) -> None:
    gone = tmp_path / "gone"

    assert_refused(
        run(tmp_path, {}, option, str(gone)), (str(gone), "cannot be read", "o such file")
    )


@pytest.mark.parametrize("option", ["--delay-matrix", "--metadata", "--config"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path, option: str) -> None:
    ran = run(tmp_path, {}, option, str(tmp_path))

    assert_refused(ran, (str(tmp_path), "cannot be read"))


@pytest.mark.parametrize("option", ["--nodes", "--pods"])
def test_a_folder_without_manifests_is_named(tmp_path: Path, option: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    assert_refused(run(tmp_path, {}, option, str(empty)), (str(empty), "has no .yaml"))


def test_a_folder_with_nothing_but_folders_says_that_they_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "manifests" / "web").mkdir(parents=True)
    outcome = run(tmp_path, {}, "--pods", str(tmp_path / "manifests"))
    assert_refused(outcome, ("has no .yaml", "the sub-folder web is not read"))


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "--output", str(tmp_path / "none" / "plan.json"))

    assert_refused(ran, ("--output", "plan.json", "cannot be written"))


@pytest.mark.parametrize("option", ["--protect", "--effort"])
def test_an_unknown_level_is_refused_and_those_there_are_named(tmp_path: Path, option: str) -> None:
    ran = run(tmp_path, {}, option, "much")

    assert ran.exit_code == 2
    assert all(word in ran.stderr for word in (option, "much", "is not one of"))


def test_npz_without_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "matrix.npz"
    np.savez(path, rtt_ms=np.array([["a"]]))

    assert_refused(run(tmp_path, {}, "--delay-matrix", str(path)), ("matrix.npz", "is not numeric"))


UNPLACED: dict[str, tuple[str, tuple[str, ...]]] = {
    "a delay that is a word": (
        deployment("bad", labels="{delay_edge-1: fast}"), ("delay_edge-1", "fast"),
    ),
    "a delay of zero": (deployment("bad", labels='{delay_edge-1: "0"}'), ("delay_edge-1", '"0"')),
    "a delay of bare zero": (
        deployment("bad", labels="{delay_edge-1: 0}"), ("delay_edge-1", '"0"'),
    ),
    "a negative delay": (deployment("bad", labels='{delay_edge-1: "-3"}'), ("delay_edge-1", "-3")),
    "a delay that is not a number": (
        deployment("bad", labels='{delay_edge-1: "nan"}'), ("delay_edge-1", "nan"),
    ),
    "a delay with a unit": (
        deployment("bad", labels='{delay_edge-1: "25ms"}'), ("delay_edge-1", "25ms"),
    ),
    "a delay that is a boolean": (
        deployment("bad", labels="{delay_edge-1: yes}"), ("delay_edge-1", "true"),
    ),
    "a delay that is nothing": (deployment("bad", labels="{delay_edge-1: }"), ("delay_edge-1",)),
    "a delay that is a list": (deployment("bad", labels="{delay_edge-1: [5]}"), ("delay_edge-1",)),
    "a delay to nothing": (deployment("bad", labels='{delay_: "5"}'), ("delay_", "name what")),
    "a delay beyond any network": (
        deployment("bad", labels='{delay_edge-1: "9999999"}'), ("delay_edge-1", "9999999"),
    ),
    "a delay to an unknown node": (
        deployment("bad", labels='{delay_moon: "5"}'), ("delay_moon", '"5"'),
    ),
    "an annotation that is no list": (
        deployment("bad").replace("labels: {}", "annotations: {isochrone.dev/delay: soon}"),
        ("isochrone.dev/delay", "soon"),
    ),
    "more memory than any node has": (deployment("bad", memory="1e400"), ("Insufficient memory",)),
    "affinity to nobody": (
        deployment("bad", spec=", affinity: {podAffinity: {"
                   "requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a}]}}"),
        ("didn't match pod affinity rules",),
    ),
    "a claim that is missing": (
        deployment("bad", spec=", volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]"),
        ('persistentvolumeclaim "d" not found',),
    ),
    "a scheduling gate": (deployment("bad", spec=", schedulingGates: [{name: g}]"), ("gates",)),
    "a node that does not exist": (deployment("bad", spec=", nodeName: moon"), ("node",)),
}  # fmt: skip


@pytest.mark.parametrize("case", UNPLACED)
def test_a_pod_that_asks_for_nonsense_waits_and_the_others_are_placed(
    case: str, tmp_path: Path
) -> None:
    text, said = UNPLACED[case]

    ran = run(tmp_path, {"pods.yaml": f"{GOOD}---\n{text}"})

    assert ran.exit_code == 3, ran.stderr
    plan = json.loads(ran.stdout)
    assert set(plan["placement"]) == {"good"}
    assert set(plan["unplaced"]) == {"bad"}
    for part in said:
        assert part in plan["unplaced"]["bad"]


def test_legal_spellings_are_legal(tmp_path: Path) -> None:
    sizes = ("1.5Gi", "500M", "1e9", "1073741824", "0.5Gi", "128974848000m", "1E3")
    pods = [deployment(f"p{k}", memory=size) for k, size in enumerate(sizes)]

    ran = run(tmp_path, {"pods.yaml": "---\n".join(pods)})

    assert (ran.exit_code, json.loads(ran.stdout)["unplaced"]) == (0, {})
