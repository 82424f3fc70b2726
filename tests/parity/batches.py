"""Random little clusters with pods that wait, planned by us; the outcome is judged by the oracle.

Each pod that a plan places must be feasible on its node given all others, those of the same plan
included, and given what it does to claims: volumes are reserved, nodes for new ones are selected.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from scheduler.domain.plan import Plan
from scheduler.objects.pod import read_pod_changed
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.parity.choices import Choices, SeededChoices
from tests.parity.oracle_process import Case
from tests.parity.ours import snapshot_of
from tests.parity.parts.claims import SELECTED_NODE, Claims
from tests.parity.parts.nodes import node
from tests.parity.parts.persistent import reference
from tests.parity.parts.pods import incoming_pod, placed_pod, served
from tests.parity.parts.scene import Object, Scene, scene
from tests.parity.worlds import claims_of, namespaces, stored

_SETTINGS = PlacementSettings()
_LEAST_PODS, _MOST_PODS = 5, 20
_MOST_REPLICAS = 6
_CLAIM = "persistentVolumeClaim"
_STREAM = 1
"""Sets the choices of batches apart from those of cases with the same seed and number."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A world without a pod to be judged, and the workloads whose pods wait in it.

    A workload has a `pod`, and `replicas` of it: their names, and the claims of their own by the
    name of the volume.
    """

    world: Case
    workloads: tuple[Object, ...]

    def pods(self) -> Iterator[Object]:
        """Yield the pods that wait."""
        for workload in self.workloads:
            for replica in workload["replicas"]:
                yield _replica(workload["pod"], replica)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan for a batch, and what is there once it was carried out.

    `final` asks the oracle about each pod that was placed; `waiting` are the pods that were not.
    """

    plan: Plan
    final: Case
    waiting: tuple[Object, ...]


def seeded_batch(seed: int, number: int) -> Batch:
    """Return the batch `number` of a seed: always the same."""
    made = batch(SeededChoices(seed, number, _STREAM))
    return Batch({"id": f"batch-{seed}-{number}", **made.world}, made.workloads)


def batch(choices: Choices) -> Batch:
    """Return 3 to 6 nodes, some with pods, and 5 to 20 pods of a few classes that wait."""
    view = scene(choices, is_settled=True)
    nodes = [node(view, k + 1) for k in range(choices.between(3, 6))]
    names = tuple(one["metadata"]["name"] for one in nodes)
    storage = claims_of(view, names)
    placed = [
        placed_pod(view, k, choices.one_of(nodes), storage) for k in range(choices.between(0, 5))
    ]
    workloads: list[Object] = []
    left = _MOST_PODS
    while left > 0 and (left > _MOST_PODS - _LEAST_PODS or choices.happens(60)):
        template = incoming_pod(view, names, storage, f"w{len(workloads)}")
        count = choices.between(1, min(_MOST_REPLICAS, left))
        workloads.append(_workload(view, template, storage, count))
        left -= count
    world: Case = {"nodes": nodes, "pods": placed, "namespaces": namespaces(choices)}
    return Batch(world | stored(view, storage), tuple(workloads))


def outcome(made: Batch) -> Outcome:
    """Plan a batch, and put the pods where the plan says.

    Raises
    ------
    InputError
        If an object cannot be read.
    PlanRejected
        If our own checker does not accept our plan.
    """
    waiting = {_key(pod): pod for pod in made.pods()}
    pods = [read_pod_changed(pod).pod for pod in waiting.values()]
    decided = plan(snapshot_of(made.world, pods), _SETTINGS)
    bound = [_bound(waiting.pop(one.pod.key), one.node) for one in decided.assignments]
    final = {
        **made.world,
        **_assumed(made.world, decided),
        "mode": "batch",
        "pods": [*made.world.get("pods", ()), *bound],
        "judge": [_key(pod) for pod in bound],
    }
    return Outcome(decided, final, tuple(waiting.values()))


def _assumed(world: Case, decided: Plan) -> Object:
    """Return volumes and claims as kube-scheduler has them once it has chosen nodes."""
    claims = {_key(one): deepcopy(one) for one in world.get("persistentVolumeClaims", ())}
    volumes = {_name(one): deepcopy(one) for one in world.get("persistentVolumes", ())}
    for one in decided.assignments:
        for claim, volume in one.volumes.bindings:
            volumes[volume]["spec"]["claimRef"] = reference(claims[claim], with_uid=True)
        for claim in one.volumes.provisions:
            claims[claim]["metadata"].setdefault("annotations", {})[SELECTED_NODE] = one.node
    return {
        "persistentVolumeClaims": list(claims.values()),
        "persistentVolumes": list(volumes.values()),
    }


def _workload(view: Scene, template: Object, storage: Claims, count: int) -> Object:
    """Return a workload of pods that are alike, but that each may have claims of its own."""
    metadata = template["metadata"]
    name = metadata["name"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": f"uid-of-{name}"}
    metadata["ownerReferences"] = [{**owner, "controller": True}]
    if "creationTimestamp" not in metadata:
        served(template)
    mounted = [one["name"] for one in template["spec"].get("volumes", ()) if _CLAIM in one]
    has_own_claims = view.choices.happens(50)
    replicas = []
    for k in range(count):
        own = {volume: f"{name}-{k}-{volume}" for volume in mounted if has_own_claims}
        for claim in own.values():
            storage.add(metadata["namespace"], claim)
        replicas.append({"name": f"{name}-{k}", **({"claims": own} if own else {})})
    return {"pod": template, "replicas": replicas}


def _replica(template: Object, replica: Object) -> Object:
    pod, own = deepcopy(template), replica.get("claims", {})
    pod["metadata"] |= {"name": replica["name"], "uid": f"uid-{replica['name']}"}
    for volume in pod["spec"].get("volumes", ()):
        if volume["name"] in own:
            volume[_CLAIM]["claimName"] = own[volume["name"]]
    return pod


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _name(obj: Object) -> str:
    name: str = obj["metadata"]["name"]
    return name


def _bound(pod: Object, node_name: str) -> Object:
    return {**pod, "spec": {**pod["spec"], "nodeName": node_name}, "status": {"phase": "Pending"}}
