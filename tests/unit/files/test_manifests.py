"""Pods, Services and nodes from files, folders and archives."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.resources import UNLIMITED
from scheduler.domain.snapshot import node_table
from scheduler.files import texts
from scheduler.files.manifests import read_manifests
from scheduler.files.nodes import read_nodes

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: REPLICAS
  template:
    metadata: {labels: {app: NAME, delay_edge-1: 25}}
    spec: {containers: [{name: c, resources: {requests: {memory: 1Gi}}}]}
"""
NODE = '{"name": "a", "allocatable_memory": "1Gi"}'
POD = "kind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: c}]}\n"


def deployment(name: str, replicas: int = 1) -> str:
    return DEPLOYMENT.replace("NAME", name).replace("REPLICAS", str(replicas))


def pod(name: str) -> str:
    return POD.replace("NAME", name)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def archive(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload] # a mode is a literal there
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def names(path: Path) -> list[str]:
    return [one.display_name for one in read_manifests(path).pods]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    write(tmp_path / "b.yaml", deployment("b", 2))
    write(tmp_path / "a.yml", deployment("a"))
    write(tmp_path / "c.json", json.dumps({"kind": "Pod", "metadata": {"name": "c"},
                                           "spec": {"containers": [{}]}}))  # fmt: skip
    write(tmp_path / "notes.txt", "not a manifest: [")
    write(tmp_path / ".hidden.yaml", "not a manifest: [")

    assert names(tmp_path) == ["a", "b-0", "b-1", "c"]


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_an_archive_is_read_without_being_unpacked(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "pods.tar.gz"
    path.write_bytes(
        archive(
            {
                "pods/b.yaml": deployment("b").encode(),
                "../../a.yaml": deployment("a").encode(),
                "/etc/c.yaml": deployment("c").encode(),
                "pods/readme.md": b"\0\1",
                "pods/._b.yaml": b"\0\1",
            },
            mode,
        )
    )

    assert sorted(names(path)) == ["a", "b", "c"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pods.tar.gz"]


def test_several_documents_and_lists_in_one_file(tmp_path: Path) -> None:
    service = "kind: Service\nmetadata: {name: db}\nspec: {selector: {app: db}}\n"
    pods = json.dumps(
        {"kind": "PodList", "items": [{"metadata": {"name": "x"}, "spec": {"containers": [{}]}}]}
    )
    config = "kind: ConfigMap\nmetadata: {name: c}\n"
    parts = [deployment("a"), "", service, config, pods, "kind: List\nitems:"]
    path = write(tmp_path / "all.yaml", "\n---\n".join(parts))

    found = read_manifests(path)

    assert [one.name for one in found.pods] == ["a", "x"]
    assert [one.name for one in found.services] == ["db"]


def test_pods_of_another_namespace_may_have_the_same_name(tmp_path: Path) -> None:
    other = pod("a").replace("{name: a}", "{name: a, namespace: shop}")
    path = write(tmp_path / "pods.yaml", f"{pod('a')}---\n{other}")

    assert names(path) == ["a", "shop/a"]


def test_replicas_share_one_class(tmp_path: Path) -> None:
    pods = read_manifests(write(tmp_path / "a.yaml", deployment("a", 3))).pods

    assert all(one.pod_class is pods[0].pod_class for one in pods)


def test_a_running_pod_keeps_its_node_and_a_finished_one_is_left_out(tmp_path: Path) -> None:
    def obj(name: str, phase: str | None, **metadata: str) -> dict[str, object]:
        spec = {"nodeName": "n1", "containers": [{"name": "c"}]}
        status = None if phase is None else {"phase": phase}
        metadata |= {"name": name}
        return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    items = [
        obj("runs", "Running"),
        obj("done", "Succeeded"),
        obj("broke", "Failed"),
        obj("insists", None),
        obj("leaves", "Running", deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    found = read_manifests(write(tmp_path / "p.json", json.dumps({"kind": "List", "items": items})))

    assert [(one.name, node) for one, node in found.bound] == [("runs", "n1"), ("leaves", "n1")]
    assert found.terminating == {"default/leaves"}
    assert [(one.name, one.pod_class.node_name) for one in found.pods] == [("insists", "n1")]


def test_a_priority_class_among_the_files_is_filled_in(tmp_path: Path) -> None:
    spec = "spec: {priorityClassName: CLASS, containers: [{name: c}]}\n"
    named = [
        f"kind: Pod\nmetadata: {{name: {k}}}\n{spec.replace('CLASS', k)}" for k in ("high", "x")
    ]
    classes = [
        "kind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n",
        "kind: PriorityClass\nmetadata: {name: low}\nvalue: -5\nglobalDefault: true\n",
    ]
    path = write(tmp_path / "pods.yaml", "---\n".join([*named, deployment("web"), *classes]))

    found = read_manifests(path)

    priorities = {one.name: one.pod_class.priority for one in found.pods}
    assert priorities == {"high": 1000, "x": 0, "web": -5}
    (warning,) = found.warnings
    assert "no file holds the PriorityClass x" in warning


def test_a_priority_class_without_a_number_is_refused(tmp_path: Path) -> None:
    text = "kind: PriorityClass\nmetadata: {name: high}\nvalue: much\n"

    with pytest.raises(InputError, match="PriorityClass high: value: is much"):
        read_manifests(write(tmp_path / "pods.yaml", f"{pod('a')}---\n{text}"))


def test_no_replicas_are_no_pods_and_no_error(tmp_path: Path) -> None:
    assert names(write(tmp_path / "a.yaml", deployment("a", 0))) == []


def test_a_delay_on_the_workload_itself_is_warned_of(tmp_path: Path) -> None:
    text = deployment("a").replace("{name: a}", "{name: a, labels: {delay_x: 5, delay_edge-1: 5}}")

    (warning,) = read_manifests(write(tmp_path / "a.yaml", text)).warnings

    assert "delay_x has no effect" in warning
    assert "spec.template.metadata.labels" in warning


def test_a_sub_folder_is_warned_of(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", deployment("a"))
    (tmp_path / "more").mkdir()

    assert read_manifests(tmp_path).warnings == (f"{tmp_path}: the sub-folder more is not read",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{pod('a')}---\n{deployment('a')}", "Pod default/a: is also in"),
        ("- a", "not a Kubernetes object"),
        ("just text", "is just text, not a Kubernetes object"),
        ("apiVersion: v1", "kind: is missing"),
        ("kind: 5", "kind: is missing"),
        (deployment("a").replace("Deployment", "Deploymnt"), "Deploymnt: is of a kind"),
        (pod("a").replace("Pod", "pod"), "pod: is of a kind"),
        (deployment("a").replace("Deployment", "DaemonSet"), "has one pod a node"),
        ("kind: ConfigMap", "holds no pod"),
        ("---", "holds no pod"),
        ("kind: PodList\nitems: {}", "items: is not a list"),
        ("kind: PodList\nitems: [5]", "item 1: is 5"),
        (deployment("a").replace("1Gi", "1gb"), "requests.memory"),
    ],
)
def test_what_holds_no_pods_is_refused_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "pods.yaml", text)

    with pytest.raises(InputError) as caught:
        read_manifests(path)

    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_the_document_of_several_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "pods.yaml", f"{pod('a')}---\nkind: Pod")

    with pytest.raises(InputError, match=r"pods\.yaml \(document 2\): Pod: has no metadata\.name"):
        read_manifests(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive({"a.yaml": deployment("a").encode()})[:60], "is a damaged archive"),
        (b"\x1f\x8b" + b"\0" * 40, "is a damaged archive"),
        (archive({"a.txt": b"x"}), "has no .yaml, .yml, .json, .jsonl, .ndjson file"),
        (archive({}), "has no .yaml, .yml, .json, .jsonl, .ndjson file"),
        (archive({"a.yaml": b"\0"}), "a.yaml: is binary"),
        (archive({"a.yaml": b""}), "a.yaml: is empty"),
        (archive({"a.yaml": "kind: Pod".encode("utf-16")}), "a.yaml: is UTF-16"),
    ],
    ids=range(7),  # an archive holds the second it was made in: two workers would name it apart
)
def test_a_bad_archive_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pods.tgz"
    path.write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_manifests(path)

    assert said in str(caught.value)


def test_an_archive_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "MAX_UNPACKED_BYTES", 1 << 16)
    path = tmp_path / "pods.tgz"
    path.write_bytes(archive({"big.bin": bytes(1 << 20), "a.yaml": deployment("a").encode()}))

    with pytest.raises(InputError, match="unpacks to more than 65536 bytes"):
        read_manifests(path)


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        link = tarfile.TarInfo("a.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path = tmp_path / "pods.tgz"
    path.write_bytes(out.getvalue())

    with pytest.raises(InputError, match=r"a\.yaml: is not a plain file"):
        read_manifests(path)


def test_nodes_of_the_originals_format_have_no_limit_but_memory(tmp_path: Path) -> None:
    listed = [
        {"name": "n1", "allocatable_memory": "512Ki", "cloud": True},
        {"name": "n2", "allocatable_memory": "1.5Gi"},
    ]
    first, second = read_nodes(write(tmp_path / "nodes.json", json.dumps(listed)))

    table = node_table([first, second], (), ())
    assert (first.allocatable, second.allocatable) == ({"memory": 512 << 10}, {"memory": 3 << 29})
    assert (first.is_cloud, second.is_cloud) == (True, False)
    assert table.allocatable[0, table.resources.index("pods")] == UNLIMITED


def test_one_node_or_a_folder_of_nodes(tmp_path: Path) -> None:
    for name in ("n2", "n1"):
        write(tmp_path / f"{name}.json", json.dumps({"name": name, "allocatable_memory": "1Gi"}))

    assert [node.name for node in read_nodes(tmp_path)] == ["n1", "n2"]
    assert [node.name for node in read_nodes(tmp_path / "n2.json")] == ["n2"]


def test_kubernetes_nodes_in_yaml_lists_and_json(tmp_path: Path) -> None:
    one = "kind: Node\nmetadata: {name: n1}\nstatus: {capacity: {cpu: 4, memory: 8Gi}}\n"
    two = '{kind: NodeList, items: [{metadata: {name: n2}, status: {allocatable: {pods: "5"}}}]}'
    path = write(tmp_path / "nodes.yaml", f"{one}---\n{two}")

    first, second = read_nodes(path)

    assert first.allocatable == {"cpu": 4000, "memory": 8 << 30, "pods": 110}
    assert second.allocatable == {"pods": 5}
    assert first.labels["kubernetes.io/hostname"] == "n1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "holds no node"),
        ("[3]", "entry 1: is 3, not a node"),
        ("3", "is 3, not a node"),
        ("{}", "has no name"),
        ('{"name": "", "allocatable_memory": "1Gi"}', "has the name (empty)"),
        ('{"name": 5, "allocatable_memory": "1Gi"}', "has the name 5"),
        ('{"name": "a"}', 'node "a": has no allocatable_memory'),
        ('{"name": "a", "allocatable_memory": null}', "has no allocatable_memory"),
        ('{"name": "a", "allocatable_memory": "abc"}', '"abc" is not a quantity'),
        ('{"name": "a", "allocatable_memory": "-1Gi"}', "a quantity is at least 0"),
        ('{"name": "a", "allocatable_memory": -1}', "a quantity is at least 0"),
        ('{"name": "a", "allocatable_memory": 1e400}', "is not a quantity"),
        ('{"name": "a", "allocatable_memory": ["1Gi"]}', "is not a quantity"),
        ('{"name": "a", "allocatable_memory": "1Gi", "cloud": "yes"}', "cloud: is yes"),
        ('{"name": "a", "allocatable_memory": "1Gi", "cloud": 1}', "cloud: is 1"),
        ('{"name": "a", "allocatable_memory": "1Gi", "allocatable_cpu": 4}', "allocatable_cpu"),
        ('{"name": "a", "name": "b", "allocatable_memory": "1Gi"}', '"name" is given twice'),
        (f"[{NODE}, {NODE}]", 'entry 2: names "a", which is also in'),
        ('{"kind": "Pod", "metadata": {"name": "a"}}', 'is of kind "Pod"'),
        ('{"kind": "Node", "metadata": {"name": "a"}}', "status.allocatable: is missing"),
        ('{"kind": "NodeList", "items": 5}', "items: is not a list"),
        ('{"name": "a"', "is not JSON"),
        ("", "is empty"),
        (" \n", "is empty"),
    ],
)  # fmt: skip
def test_malformed_nodes_are_refused_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "nodes.json", text)

    with pytest.raises(InputError) as caught:
        read_nodes(path)

    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_line_of_json_lines_that_is_no_json_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pods.jsonl"
    file.write_text('{"kind": "Service", "metadata": {"name": "s"}}\n\n{"kind": \n')

    with pytest.raises(InputError) as refused:
        read_manifests(file)

    assert refused.value.where.startswith(f"{file}:3")
