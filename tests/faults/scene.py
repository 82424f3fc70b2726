"""What an episode's cluster is and what people do in it, drawn from the seed alone."""

from dataclasses import dataclass
from random import Random

from simulator.change import JsonObject, ObjectKey
from simulator.command import Command, Create, Delete, Scale
from tests.faults.volumes import storage

OURS = "custom-scheduler"
FOREIGN = "default-scheduler"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something people do. A `kind` without a command deletes a pod, whichever `dice` chooses."""

    at_s: float
    command: Command | None = None
    dice: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A cluster, and what happens in it by itself.

    Parameters
    ----------
    nodes
        Objects, there from the beginning.
    moments
        In order; the last is at `busy_s`.
    busy_s
        How long people are at work, seconds. Faults end by then, or later.
    report_s
        Between two reports of an agent.
    """

    nodes: tuple[JsonObject, ...]
    moments: tuple[Moment, ...]
    busy_s: float
    report_s: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the nodes."""
        return tuple(node["metadata"]["name"] for node in self.nodes)


def drawn_scene(rng: Random) -> Scene:
    """Return a cluster of 3 to 8 nodes, 5 to 25 pods, and 6 to 18 seconds of work."""
    names = [f"n{k}" for k in range(rng.randint(3, 8))]
    nodes = tuple(_node(name, rng) for name in names)
    busy_s = rng.uniform(6.0, 18.0)
    moments: list[Moment] = []
    workloads: list[str] = []
    for number in range(rng.randint(2, 4)):
        at_s = rng.choice((0.0, rng.uniform(0.0, busy_s)))
        name = f"w{number}"
        made, replicas = _workload(name, [*names, *workloads], rng), rng.randint(1, 5)
        made["spec"]["replicas"] = replicas
        moments.append(Moment(at_s, Create(made)))
        if rng.random() < 0.3:
            scale = Scale(ObjectKey(made["kind"], "default", name), rng.randint(0, 6))
            moments.append(Moment(rng.uniform(at_s, busy_s), scale))
        workloads.append(name)
    claims: list[str] = []
    for number in range(rng.randint(0, 5)):
        pod = {**_pod([*names, *workloads], rng), "apiVersion": "v1", "kind": "Pod"}
        pod["metadata"] = {**pod["metadata"], "name": f"p{number}", "namespace": "default"}
        if rng.random() < 0.4:
            claims.append(f"c{number}")
            source = {"persistentVolumeClaim": {"claimName": f"c{number}"}}
            pod["spec"]["volumes"] = [{"name": "data", **source}]
        at_s = rng.uniform(0.0, busy_s)
        moments.append(Moment(at_s, Create(pod)))
        if rng.random() < 0.2:
            gone = Delete(ObjectKey("Pod", "default", f"p{number}"))
            moments.append(Moment(rng.uniform(at_s, busy_s), gone))
    deletions = range(rng.randint(0, 5))
    moments += [Moment(rng.uniform(0.0, busy_s), dice=rng.random()) for _ in deletions]
    moments += [Moment(0.0, command) for command in storage(claims, names, rng)]
    moments.sort(key=lambda moment: moment.at_s)
    return Scene(nodes, tuple(moments), busy_s, rng.choice((5.0, 10.0, 45.0)))


def _node(name: str, rng: Random) -> JsonObject:
    cpu, pods = rng.choice(("1", "2", "4")), rng.choice(("3", "6", "110"))
    zone = rng.choice("ab")
    labels = {"topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "allocatable": {"cpu": cpu, "memory": "4Gi", "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod_object(name: str, cpu: str, scheduler: str = OURS) -> JsonObject:
    """Return a plain pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {}},
        "spec": _spec(cpu, scheduler),
    }


def _spec(cpu: str, scheduler: str = OURS) -> JsonObject:
    requests = {"cpu": cpu, "memory": "128Mi"}
    container = {"name": "main", "image": "app", "resources": {"requests": requests}}
    return {"schedulerName": scheduler, "containers": [container]}


def _pod(references: list[str], rng: Random) -> JsonObject:
    """Return a pod's or a template's metadata and spec, without a name."""
    labels: dict[str, str] = {}
    for reference in rng.sample(references, rng.choice((0, 1, 1, 1, 2))):
        labels[f"delay_{reference}"] = f"{rng.uniform(4.0, 45.0):.1f}"
    return {"metadata": {"labels": labels}, "spec": _spec(rng.choice(("100m", "300m", "700m")))}


def _workload(name: str, references: list[str], rng: Random) -> JsonObject:
    """Return a Deployment or a ReplicaSet; one in five wants its own replicas near each other."""
    template = _pod(references if rng.random() < 0.8 else [*references, name], rng)
    template["metadata"]["labels"]["app"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": rng.choice(("Deployment", "ReplicaSet")),
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }
