"""Whatever bytes a file holds, its reader returns or raises its typed error, and nothing else."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scheduler.domain.delay import ANNOTATION
from scheduler.domain.errors import InputError
from scheduler.files.manifests import read_manifests
from scheduler.files.nodes import read_nodes
from scheduler.objects.document import read_documents
from scheduler.objects.node import read_node
from scheduler.objects.pod import read_pod, read_pod_changed
from scheduler.objects.pod_reader import PodReader
from scheduler.objects.service import read_service
from scheduler.objects.workload import pods_of
from telemetry.errors import MatrixError
from telemetry.sources.matrixcsv import parse_csv_matrix
from telemetry.sources.matrixjson import parse_json_matrix
from telemetry.sources.matrixnpz import parse_npz_matrix
from telemetry.sources.matrixtext import parse_text_matrix
from telemetry.sources.metadata import parse_metadata
from telemetry.sources.text import decode_text

EXAMPLES = settings(max_examples=150)

POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "labels": {"app": "web", "delay_edge-1": "25"},
        "annotations": {ANNOTATION: "- {to: node/edge-1, within: 25ms}"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}],
        "creationTimestamp": "2026-01-31T12:00:00Z",
    },
    "spec": {
        "containers": [
            {
                "name": "c",
                "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
                "ports": [{"hostPort": 80}],
            }
        ],
        "initContainers": [{"name": "i", "restartPolicy": "Always"}],
        "overhead": {"cpu": "10m"},
        "resources": {"requests": {"cpu": "1"}},
        "nodeSelector": {"pool": "edge"},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
                    ]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "preference": {"matchExpressions": []}}
                ],
            }
        },
        "volumes": [{"name": "v", "emptyDir": {}}],
        "topologySpreadConstraints": [{"topologyKey": "zone"}],
        "priority": 5,
    },
    "status": {"phase": "Pending"},
}
NODE: dict[str, Any] = {
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {"a": "b"}},
    "spec": {"unschedulable": False, "taints": [{"key": "a", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "4", "memory": "8Gi"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "template": {"metadata": POD["metadata"], "spec": POD["spec"]},
    },
}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "db"},
    "spec": {"selector": {"app": "db"}},
}
PLAIN_NODE: dict[str, Any] = {"name": "n1", "allocatable_memory": "1Gi", "cloud": False}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "abc", "-1", "1e400", "1e99999", "\ud800", "a/b", "In", "Exists", "٣"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> Any:  # noqa: ANN401 - any tree at all
    """Draw a valid tree of which one part was replaced, dropped or added."""
    tree: Any = json.loads(json.dumps(valid))
    here: Any = tree
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return tree
        key = draw(st.sampled_from(keys))
        if isinstance(here[key], dict | list) and here[key] and draw(st.booleans()):
            here = here[key]
            continue
        if draw(st.integers(0, 4)) == 0:
            del here[key]
        else:
            here[key] = draw(values)
        return tree


def encoded(tree: object) -> bytes:
    return json.dumps(tree).encode("utf-8", "replace")


def archive_of_tree(tree: object) -> bytes:
    return archive_of(encoded(tree))


@EXAMPLES
@given(mutated(POD))
def test_a_mutated_pod_is_read_or_refused(tree: Any) -> None:  # noqa: ANN401 - any tree at all
    for read in (read_pod, read_pod_changed):
        try:
            read(tree)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - only where it is raised
            assert len(str(error)) < 1_000  # noqa: PT017 - only where it is raised


READER = PodReader()
"""One for all examples: what it remembers of one pod must not show in another."""


@EXAMPLES
@given(mutated(POD))
def test_a_reader_that_remembers_reads_as_one_that_does_not(tree: Any) -> None:  # noqa: ANN401 - any tree at all
    try:
        fresh = read_pod_changed(tree)
    except InputError:
        try:
            assert READER(tree).pod.pod_class.unsupported
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - only where it is raised
    else:
        assert READER(tree) == fresh
        assert READER(tree) == fresh  # remembered, where it can be


def test_pods_that_differ_in_name_alone_share_their_class() -> None:
    one, other = (
        READER({**POD, "metadata": {**POD["metadata"], "name": name}}) for name in ("a", "b")
    )

    assert one.pod.name != other.pod.name
    assert one.pod.pod_class is other.pod.pod_class


@EXAMPLES
@given(st.tuples(mutated(NODE), mutated(SERVICE), mutated(DEPLOYMENT)))
def test_other_mutated_objects_are_read_or_refused(trees: tuple[Any, Any, Any]) -> None:
    for read, tree in zip((read_node, read_service, pods_of), trees, strict=True):
        try:
            read(tree)
        except InputError as error:
            assert len(str(error)) < 1_000  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(st.binary(max_size=200) | mutated(POD).map(encoded))
def test_bytes_from_a_wire_are_read_or_refused(content: bytes) -> None:
    for read in (read_pod, read_node, read_service, pods_of):
        try:
            read(content)
        except InputError as error:
            assert len(str(error)) < 1_000  # noqa: PT017 - only where it is raised


yaml_text = st.text(alphabet="ab:-?[]{}&*!<>|'\"%#,~ \n\t0123.\u00e9\u2028", max_size=60)


@EXAMPLES
@given(st.text(max_size=60) | yaml_text)
def test_any_text_is_yaml_or_refused(text: str) -> None:
    try:
        read_documents(text, "f")
    except InputError as error:
        assert str(error).startswith("f")  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(st.text(max_size=60) | yaml_text)
def test_any_annotation_is_delays_or_faults(text: str) -> None:
    tree = {
        "metadata": {"name": "p", "annotations": {ANNOTATION: text}},
        "spec": {"containers": [{}]},
    }
    found = read_pod(tree).pod_class

    assert all(fault.fix for fault in found.faults)
    assert all(delay.within_us > 0 for delay in found.delays)


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """Draw a valid file that was cut off or had bytes replaced."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
        if not content:
            return b""
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


def archive_of(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("pods/web.yaml")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def saved(**arrays: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


MANIFEST = json.dumps(DEPLOYMENT).encode()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "input"


@EXAMPLES
@given(
    content=st.binary(max_size=200)
    | damaged(MANIFEST)
    | damaged(archive_of(MANIFEST))
    | damaged(gzip.compress(archive_of(MANIFEST), mtime=0))
    | mutated(DEPLOYMENT).map(archive_of_tree)
)
def test_any_pods_file_is_read_or_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        read_manifests(file)
    except InputError as error:
        assert str(error).startswith(str(file))  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(
    content=st.binary(max_size=200)
    | damaged(json.dumps([PLAIN_NODE, NODE]).encode())
    | mutated(PLAIN_NODE).map(encoded)
    | mutated(NODE).map(encoded)
)
def test_any_nodes_file_is_read_or_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        read_nodes(file)
    except InputError as error:
        assert str(error).startswith(str(file))  # noqa: PT017 - only where it is raised


numbers = st.text(alphabet='0123456789.,;-+einfa# \n\t"', max_size=60)


@EXAMPLES
@given(numbers | st.text(max_size=40), st.sampled_from(["text", "csv", "json", "metadata"]))
def test_any_matrix_text_is_read_or_refused(text: str, kind: str) -> None:
    parsers: dict[str, Callable[[str, str], object]] = {
        "text": parse_text_matrix,
        "csv": parse_csv_matrix,
        "json": parse_json_matrix,
        "metadata": parse_metadata,
    }
    try:
        # What is empty is refused where it is read, before a parser sees it.
        parsers[kind](decode_text(text.encode("utf-8", "replace"), "f", "x"), "f")
    except MatrixError as error:
        assert str(error).startswith("f")  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(values, st.sampled_from([parse_json_matrix, parse_metadata]))
def test_any_json_matrix_is_read_or_refused(
    tree: object, parse: Callable[[str, str], object]
) -> None:
    try:
        parse(json.dumps(tree), "f")
    except MatrixError as error:
        assert str(error).startswith("f")  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(
    st.binary(max_size=100)
    | damaged(saved(rtt_ms=np.ones((3, 3)), nodes=np.array(["a", "b", "c"])))
    | damaged(saved(rtt_us=np.ones((2, 2), dtype=np.int32)))
)
def test_any_npz_is_read_or_refused(content: bytes) -> None:
    try:
        parse_npz_matrix(content, "f")
    except MatrixError as error:
        assert str(error).startswith("f")  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(
    st.lists(st.lists(st.integers(0, 600_000_000), min_size=4, max_size=4), min_size=4, max_size=4)
)
def test_whole_microseconds_survive_text_csv_and_json(rows: list[list[int]]) -> None:
    ms = [[us / 1000 for us in row] for row in rows]
    text = "\n".join(" ".join(map(repr, row)) for row in ms)

    assert parse_text_matrix(text, "f").tolist() == rows
    assert parse_csv_matrix(text.replace(" ", ","), "f").rtt_us.tolist() == rows
    assert parse_json_matrix(json.dumps(ms), "f").rtt_us.tolist() == rows
