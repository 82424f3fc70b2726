"""The real kubectl against the embedded cluster: what people type while dev mode runs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.rest.launch import started
from simulator.world import Options

KUBECTL = shutil.which("kubectl")
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(
    KUBECTL is None and os.environ.get("CI") != "true", reason="kubectl is not installed"
)

WORLD = """
nodes: {source: metros, count: 5}
timing: {podStart: 10ms, podStop: 10ms}
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeName: edge-1
      containers:
      - name: main
        image: web:1
        ports: [{containerPort: 80}]
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        resources: {requests: {cpu: 10m, memory: 16Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
CHANGED = WEB.replace("web:1", "web:2").replace('{name: A, value: "1"}, ', "")
SOLO = """
apiVersion: v1
kind: Pod
metadata: {name: solo, labels: {app: solo}}
spec:
  nodeName: edge-2
  containers: [{name: main, image: solo, resources: {requests: {cpu: 250m}}}]
"""


class Kubectl:
    """kubectl, and the folder its files lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start it; what it prints comes through a pipe, complaints included."""
        assert KUBECTL is not None, "CI has kubectl"
        own = {"HOME": str(self.folder), "KUBECONFIG": str(self.folder / "kubeconfig")}
        editor = {"KUBE_EDITOR": "sed -i s/front/back/"}
        return await asyncio.create_subprocess_exec(
            KUBECTL,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **own, **editor},
            cwd=self.folder,
        )

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Return its exit status and what it printed."""
        process = await self.start(*arguments)
        async with asyncio.timeout(PATIENCE_S):
            printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()

    async def __call__(self, command: str) -> str:
        """Return what a command that succeeds prints."""
        status, printed = await self.run(*command.split())
        assert status == 0, printed
        return printed

    async def refused(self, command: str) -> str:
        """Return what a command that fails prints."""
        status, printed = await self.run(*command.split())
        assert status != 0, printed
        return printed

    def write(self, name: str, text: str) -> None:
        """Write a manifest."""
        (self.folder / name).write_text(text)


@pytest_asyncio.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    """Start an embedded cluster of five nodes and return a kubectl for it."""
    (tmp_path / "s.yaml").write_text(WORLD)
    options = Options(scenario=tmp_path / "s.yaml")
    async with started(options, kubeconfig=tmp_path / "kubeconfig"):
        yield Kubectl(tmp_path)


async def test_create_get_and_delete(kubectl: Kubectl) -> None:
    kubectl.write("solo.yaml", SOLO)
    assert await kubectl("create -f solo.yaml") == "pod/solo created\n"
    assert "AlreadyExists" in await kubectl.refused("create -f solo.yaml")
    assert "condition met" in await kubectl("wait --for=condition=Ready pod/solo --timeout=30s")

    head, row = (await kubectl("get pods -o wide")).splitlines()
    assert head.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    cells = row.split()
    assert (cells[:4], cells[6]) == (["solo", "1/1", "Running", "0"], "edge-2")
    assert "solo" in await kubectl("get pods -l app=solo -A")
    assert "No resources found" in await kubectl("get pods -l app=other")
    assert await kubectl("get pod solo -o jsonpath={.spec.nodeName}") == "edge-2"
    assert "kind: Pod" in await kubectl("get pod solo -o yaml")

    assert 'pod "solo" deleted' in await kubectl("delete pod solo")
    assert 'pods "solo" not found' in await kubectl.refused("get pod solo")


async def test_every_kind_is_listed(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    await kubectl("create -f web.yaml")
    await kubectl("rollout status deployment/web --timeout=30s")
    shown = await kubectl("get all -o wide")
    for name in ("pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-"):
        assert name in shown
    kinds = "nodes,namespaces,events,leases,events.events.k8s.io"
    listed = await kubectl(f"get {kinds} -A")
    assert "node/edge-1" in listed
    assert "namespace/default" in listed
    assert "ScalingReplicaSet" in listed
    assert "Ready" in await kubectl("get nodes --sort-by=.metadata.name")


async def test_apply_twice_changes_what_was_written(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    kubectl.write("changed.yaml", CHANGED)
    image_and_env = "{.spec.template.spec.containers[0]['image','env']}"
    assert (
        await kubectl("apply -f web.yaml") == "deployment.apps/web created\nservice/web created\n"
    )
    assert "unchanged" in await kubectl("apply -f web.yaml")
    changed = await kubectl("apply -f changed.yaml")
    assert changed == "deployment.apps/web configured\nservice/web unchanged\n"
    found = await kubectl(f"get deployment web -o jsonpath={image_and_env}")
    assert found == 'web:2 [{"name":"B","value":"2"}]'


async def test_apply_on_the_servers_side(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    kubectl.write("changed.yaml", CHANGED)
    for name in ("web", "changed"):
        applied = await kubectl(f"apply --server-side -f {name}.yaml")
        assert "deployment.apps/web serverside-applied" in applied
    image = "{.spec.template.spec.containers[0].image}"
    assert await kubectl(f"get deployment web -o jsonpath={image}") == "web:2"


async def test_scale_and_rollout(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    await kubectl("apply -f web.yaml")
    assert "successfully rolled out" in await kubectl("rollout status deployment/web --timeout=30s")
    assert await kubectl("scale deployment/web --replicas=3") == "deployment.apps/web scaled\n"
    await kubectl("wait --for=jsonpath={.status.readyReplicas}=3 deployment/web --timeout=30s")
    await kubectl("set image deployment/web main=web:3")
    await kubectl("rollout status deployment/web --timeout=30s")
    await kubectl("rollout undo deployment/web")
    await kubectl("rollout status deployment/web --timeout=30s")
    image = "{.spec.template.spec.containers[0].image}"
    assert await kubectl(f"get deployment web -o jsonpath={image}") == "web:1"


async def test_describe_tells_of_pods_nodes_and_deployments(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    await kubectl("apply -f web.yaml")
    await kubectl("rollout status deployment/web --timeout=30s")
    pod = await kubectl("describe pod -l app=web")
    assert "Node: edge-1/172." in " ".join(pod.split())
    assert "Port: 80/TCP" in " ".join(pod.split())
    node = await kubectl("describe node edge-1")
    assert "cpu 20m" in " ".join(node.split())
    assert "KubeletReady" in node
    deployment = await kubectl("describe deployment web")
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in deployment
    assert "Scaled up replica set web-" in deployment


async def test_edit_label_annotate_and_patch(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    kubectl.write("solo.yaml", SOLO)
    await kubectl("apply -f web.yaml -f solo.yaml")
    assert await kubectl("edit deployment web") == "deployment.apps/web edited\n"
    assert await kubectl("get deployment web -o jsonpath={.metadata.labels.tier}") == "back"
    await kubectl("label pod solo colour=red")
    await kubectl("annotate pod solo note=hello")
    shown = await kubectl(
        "get pod solo -o jsonpath={.metadata.labels.colour},{.metadata.annotations.note}"
    )
    assert shown == "red,hello"
    await kubectl("label pod solo colour-")
    assert await kubectl("get pods -l colour -o name") == ""
    for form, patch in (
        ("strategic", '{"spec":{"replicas":4}}'),
        ("merge", '{"spec":{"replicas":5}}'),
        ("json", '[{"op":"replace","path":"/spec/replicas","value":6}]'),
    ):
        assert "patched" in await kubectl(f"patch deployment web --type={form} -p {patch}")
    assert await kubectl("get deployment web -o jsonpath={.spec.replicas}") == "6"


async def test_nodes_are_cordoned_and_drained(kubectl: Kubectl) -> None:
    kubectl.write("solo.yaml", SOLO)
    await kubectl("create -f solo.yaml")
    await kubectl("cordon edge-2")
    assert "Ready,SchedulingDisabled" in await kubectl("get node edge-2")
    assert "pod/solo evicted" in await kubectl("drain edge-2 --force --timeout=30s")
    await kubectl("uncordon edge-2")
    assert "SchedulingDisabled" not in await kubectl("get node edge-2")


async def test_a_watch_prints_what_comes(kubectl: Kubectl) -> None:
    kubectl.write("solo.yaml", SOLO)
    process = await kubectl.start("get", "pods", "-w", "--output-watch-events")
    assert process.stdout is not None
    await kubectl("create -f solo.yaml")
    seen: list[list[str]] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not seen or "Running" not in seen[-1]:
                line = (await process.stdout.readline()).decode()
                assert line, seen
                seen.append(line.split())
    finally:
        process.terminate()
        await process.communicate()
    assert seen[0] == ["EVENT", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert seen[1][:2] == ["ADDED", "solo"]
    assert seen[-1][:4] == ["MODIFIED", "solo", "1/1", "Running"]


async def test_what_is_not_there_is_refused_in_words(kubectl: Kubectl) -> None:
    kubectl.write("solo.yaml", SOLO)
    await kubectl("create -f solo.yaml")
    assert "runs no containers" in await kubectl.refused("logs solo")
    assert "runs no containers" in await kubectl.refused("exec solo -- ls")
    assert "carries everything out" in await kubectl.refused("diff -f solo.yaml")
    assert "doesn't have a resource type" in await kubectl.refused("get jobs")
    assert "kubectl create -f -" in await kubectl.refused("create namespace other")


async def test_events_are_told_of_an_object(kubectl: Kubectl) -> None:
    kubectl.write("web.yaml", WEB)
    await kubectl("apply -f web.yaml")
    await kubectl("rollout status deployment/web --timeout=30s")
    told = await kubectl("events --for deployment/web")
    assert "ScalingReplicaSet" in told
    assert "Deployment/web" in told
    assert "SuccessfulCreate" in await kubectl(
        "get events --field-selector reason=SuccessfulCreate"
    )


async def test_a_namespace_comes_and_goes(kubectl: Kubectl) -> None:
    kubectl.write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n")
    kubectl.write("solo.yaml", SOLO)
    await kubectl("create -f ns.yaml")
    await kubectl("create -f solo.yaml -n other")
    assert "solo" in await kubectl("get pods -n other")
    await kubectl("delete namespace other --timeout=30s")
    assert "No resources found" in await kubectl("get pods -A")
    assert "may not be deleted" in await kubectl.refused("delete namespace default")
