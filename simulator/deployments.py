"""The Deployment controller: a ReplicaSet for each template, and the rollout from old to new."""

from itertools import count
from math import ceil, floor

from simulator import writing
from simulator.change import JsonObject, ObjectKey, key_of, uid_of
from simulator.command import Record
from simulator.ownership import owned, owner_reference
from simulator.record import record
from simulator.replicasets import active_pods
from simulator.state import State
from simulator.status import with_condition, with_metadata, with_status
from simulator.store import content_hash

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = 10  # revisionHistoryLimit's default


def sync(state: State, key: ObjectKey) -> None:
    """Bring the ReplicaSets of a Deployment one step nearer to what it asks for."""
    deployment = state.store.get(key)
    if deployment is None:
        return
    sets = owned(state, deployment, "ReplicaSet")
    template = deployment["spec"]["template"]
    new = next((s for s in sets if _template_of(s) == template), None)
    old = [s for s in sets if s is not new]
    if new is None:
        if _must_wait_for_old(state, deployment, old):
            _scale_all(state, key, old, 0)
            return
        new = _create(state, deployment, sets)
        sets.append(new)
    _roll(state, deployment, new, old)
    _forget_history(state, old)
    _write_status(state, deployment, new, sets)


def _template_of(replica_set: JsonObject) -> JsonObject:
    """Return a ReplicaSet's template as its Deployment had it."""
    template: JsonObject = replica_set["spec"]["template"]
    meta = template["metadata"]
    labels = {name: value for name, value in meta["labels"].items() if name != _HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def _unused_name(state: State, deployment: JsonObject) -> str:
    """Return a name made of the template's content; one that is taken is passed over."""
    key, template = key_of(deployment), deployment["spec"]["template"]
    for collisions in count():
        content = {"template": template, **({"collisions": collisions} if collisions else {})}
        name = f"{key.name}-{content_hash(content)}"
        if state.store.get(ObjectKey("ReplicaSet", key.namespace, name)) is None:
            return name
    raise AssertionError("counting never ends")


def _must_wait_for_old(state: State, deployment: JsonObject, old: list[JsonObject]) -> bool:
    if deployment["spec"]["strategy"]["type"] != "Recreate":
        return False
    pods = [p for s in old for p in state.store.owned_by(uid_of(s))]
    return any(p["status"].get("phase") not in ("Failed", "Succeeded") for p in pods)


def _roll(state: State, deployment: JsonObject, new: JsonObject, old: list[JsonObject]) -> None:
    """Scale the new set up within the surge, then the old ones down within what may be missing."""
    key = key_of(deployment)
    wanted = deployment["spec"].get("replicas", 1)
    surge, missing = _allowance(deployment, wanted)
    room = wanted + surge - sum(_wanted(s) for s in (new, *old))
    target = min(wanted, _wanted(new) + max(0, room))
    if target != _wanted(new):
        new = _scale(state, key, new, target)
    old = [s for s in old if _wanted(s)]
    total = sum(_wanted(s) for s in (new, *old))
    excess = total - wanted - surge  # the Deployment was scaled down in the middle of a rollout
    spare = total - (wanted - missing) - (_wanted(new) - _available(new))
    for replica_set in old:
        idle = _wanted(replica_set) - _available(replica_set)
        cut = max(0, min(idle, spare))  # what is not available is not missed
        spare -= cut
        ready = min(_wanted(replica_set) - cut, spare, _spare_available(new, old, wanted - missing))
        spare -= max(0, ready)
        cut = max(cut + max(0, ready), min(_wanted(replica_set), excess))
        excess -= cut
        if cut > 0:
            _scale(state, key, replica_set, _wanted(replica_set) - cut)


def _spare_available(new: JsonObject, old: list[JsonObject], needed: int) -> int:
    return _available(new) + sum(_available(s) for s in old) - needed


def _allowance(deployment: JsonObject, wanted: int) -> tuple[int, int]:
    """Return how many pods more and how many fewer than wanted a rollout may make."""
    strategy = deployment["spec"]["strategy"]
    if strategy["type"] == "Recreate":
        return 0, wanted
    rolling = strategy["rollingUpdate"]
    surge = _share(rolling["maxSurge"], wanted, up=True)
    missing = _share(rolling["maxUnavailable"], wanted, up=False)
    return surge, missing if surge or missing else 1


def _share(value: int | str, of: int, *, up: bool) -> int:
    if not str(value).endswith("%"):
        return int(value)
    share = int(str(value).removesuffix("%")) * of / 100
    return ceil(share) if up else floor(share)


def _create(state: State, deployment: JsonObject, sets: list[JsonObject]) -> JsonObject:
    key = key_of(deployment)
    spec = deployment["spec"]
    name = _unused_name(state, deployment)
    label = {_HASH: name.removeprefix(f"{key.name}-")}
    template = dict(spec["template"])
    template_meta = dict(template.get("metadata") or {})
    template_meta["labels"] = {**template_meta.get("labels", {}), **label}
    template["metadata"] = template_meta
    revision = str(1 + max((_revision(s) for s in sets), default=0))
    new = writing.create(
        state,
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": key.namespace,
                "labels": template_meta["labels"],
                "annotations": {_REVISION: revision},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {**spec["selector"]["matchLabels"], **label}},
                "template": template,
            },
        },
    )
    annotations = {**deployment["metadata"].get("annotations", {}), _REVISION: revision}
    current = state.need(key)
    state.put(with_metadata(current, annotations=annotations))
    return new


def _scale(state: State, key: ObjectKey, replica_set: JsonObject, replicas: int) -> JsonObject:
    way = "up" if replicas > _wanted(replica_set) else "down"
    name = key_of(replica_set).name
    message = f"Scaled {way} replica set {name} from {_wanted(replica_set)} to {replicas}"
    record(state, Record(key, "Normal", "ScalingReplicaSet", message, "deployment-controller"))
    return writing.scale(state, key_of(replica_set), replicas)


def _scale_all(state: State, key: ObjectKey, sets: list[JsonObject], replicas: int) -> None:
    for replica_set in sets:
        if _wanted(replica_set) != replicas:
            _scale(state, key, replica_set, replicas)


def _forget_history(state: State, old: list[JsonObject]) -> None:
    empty = [s for s in old if not _wanted(s) and not s["status"].get("replicas")]
    for replica_set in sorted(empty, key=_revision)[: max(0, len(empty) - _HISTORY)]:
        writing.delete(state, key_of(replica_set))


def _write_status(
    state: State, deployment: JsonObject, new: JsonObject, sets: list[JsonObject]
) -> None:
    deployment = state.need(key_of(deployment))
    current = [s for s in (state.store.get(key_of(s)) for s in sets) if s is not None]
    pods = {key_of(s): len(active_pods(state, s)) for s in current}
    ready = sum(_available(s) for s in current)
    wanted = deployment["spec"].get("replicas", 1)
    total = sum(pods.values())
    _, missing = _allowance(deployment, wanted)
    is_available = ready >= wanted - missing
    state.put(
        with_condition(
            with_status(
                deployment,
                observedGeneration=deployment["metadata"]["generation"],
                replicas=total,
                updatedReplicas=pods.get(key_of(new), 0),
                readyReplicas=ready or None,
                availableReplicas=ready or None,
                unavailableReplicas=max(0, wanted - ready, total - ready) or None,
            ),
            {
                "type": "Available",
                "status": "True" if is_available else "False",
                "reason": "MinimumReplicasAvailable"
                if is_available
                else "MinimumReplicasUnavailable",
            },
            state.stamp(),
        )
    )


def _wanted(replica_set: JsonObject) -> int:
    wanted: int = replica_set["spec"].get("replicas", 1)
    return wanted


def _available(replica_set: JsonObject) -> int:
    available: int = replica_set["status"].get("availableReplicas", 0)
    return min(available, _wanted(replica_set))


def _revision(replica_set: JsonObject) -> int:
    return int(replica_set["metadata"].get("annotations", {}).get(_REVISION, 0))
