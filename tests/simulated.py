"""The embedded cluster under test: builders of objects, and a driver that keeps the time."""

import copy

import numpy as np

from simulator.change import Change, JsonObject, ObjectKey, key_of
from simulator.cluster import EmbeddedCluster
from simulator.command import Bind, Command, Create
from simulator.state import Timing


def node_object(
    name: str, *, cpu: str = "4", pods: int = 110, labels: dict[str, str] | None = None
) -> JsonObject:
    """Return a ready Node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels or {}},
        "status": {
            "allocatable": {"cpu": cpu, "memory": "8Gi", "pods": str(pods)},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod_spec(cpu: str = "1", **fields: object) -> JsonObject:
    """Return the spec of a pod of one container."""
    container = {"name": "main", "resources": {"requests": {"cpu": cpu}}}
    return {"schedulerName": "custom-scheduler", "containers": [container], **fields}


def pod_object(name: str, *, cpu: str = "1", **fields: object) -> JsonObject:
    """Return a Pod; `fields` are of its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": pod_spec(cpu, **fields),
    }


def deployment_object(
    name: str,
    replicas: int,
    *,
    cpu: str = "1",
    strategy: JsonObject | None = None,
    **fields: object,
) -> JsonObject:
    """Return a Deployment; `fields` are of its pods' spec."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(cpu, **fields)},
            **({"strategy": strategy} if strategy is not None else {}),
        },
    }


class Driven:
    """A cluster and the time in it; all changes are kept as they were handed out."""

    def __init__(self, timing: Timing | None = None, seed: int = 0) -> None:
        self.cluster = EmbeddedCluster(np.random.default_rng(seed), timing)
        self.now_s = 0.0
        self.changes: list[Change] = []
        self.as_said: list[JsonObject] = []

    def do(self, *commands: Command) -> None:
        """Give commands now."""
        for command in commands:
            self._keep(self.cluster.apply(command, self.now_s))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        self._keep(self.cluster.advance(self.now_s))

    def nodes(self, *names: str, cpu: str = "4") -> None:
        """Create ready nodes."""
        self.do(*(Create(node_object(name, cpu=cpu)) for name in names))

    def bind(self, pod: str, node: str) -> None:
        """Bind the pod that has the name now."""
        self.do(Bind("default", pod, node, self.pod(pod)["metadata"]["uid"]))

    def bind_all(self, node: str) -> None:
        """Bind all pods that wait."""
        for pod in self.pods():
            if not pod["spec"].get("nodeName"):
                self.bind(key_of(pod).name, node)

    def get(self, kind: str, name: str) -> JsonObject:
        """Return an object that must exist."""
        namespace = "" if kind == "Node" else "default"
        found = self.cluster.get(ObjectKey(kind, namespace, name))
        assert found is not None, f"no {kind} {name}"
        return found

    def pod(self, name: str) -> JsonObject:
        """Return a pod that must exist."""
        return self.get("Pod", name)

    def pods(self, phase: str = "") -> list[JsonObject]:
        """Return all pods, or those of a phase."""
        pods = self.cluster.all_of("Pod")
        return [p for p in pods if not phase or p["status"]["phase"] == phase]

    def reasons(self) -> list[str]:
        """Return the reasons of all events."""
        return [event["reason"] for event in self.cluster.all_of("Event")]

    def taints(self, node: str) -> set[tuple[str, str]]:
        """Return last part of the key and effect of a node's taints."""
        found = self.get("Node", node)["spec"].get("taints", [])
        return {(t["key"].rpartition("/")[2], t["effect"]) for t in found}

    def _keep(self, changes: tuple[Change, ...]) -> None:
        self.changes += changes
        self.as_said += [copy.deepcopy(change.object) for change in changes]
