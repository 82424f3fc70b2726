"""The ReplicaSet controller: as many pods as wanted, no more."""

from simulator import kubelet, writing
from simulator.change import JsonObject, ObjectKey, key_of
from simulator.command import Record
from simulator.ownership import owned, owner_reference
from simulator.record import record
from simulator.state import State
from simulator.status import is_true, with_status

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""Of two pods that are as good as each other, the one of the lower cost goes first."""


def sync(state: State, key: ObjectKey) -> None:
    """Create or delete pods until a ReplicaSet has what it wants, then write its status."""
    replica_set = state.store.get(key)
    if replica_set is None:
        return
    active = active_pods(state, replica_set)
    wanted = replica_set["spec"].get("replicas", 1)
    for _ in range(wanted - len(active)):
        _create_pod(state, replica_set)
    for pod in sorted(active, key=_keep_rank)[: max(0, len(active) - wanted)]:
        writing.delete(state, key_of(pod))
        _say(state, key, "SuccessfulDelete", f"Deleted pod: {key_of(pod).name}")
    _write_status(state, replica_set)


def active_pods(state: State, replica_set: JsonObject) -> list[JsonObject]:
    """Return the pods that count: neither finished nor on their way out."""
    return [
        pod
        for pod in owned(state, replica_set, "Pod")
        if not kubelet.is_finished(pod) and not pod["metadata"].get("deletionTimestamp")
    ]


def _create_pod(state: State, replica_set: JsonObject) -> None:
    key = key_of(replica_set)
    template = replica_set["spec"]["template"]
    meta = template.get("metadata") or {}
    pod = writing.create(
        state,
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{key.name}-",
                "namespace": key.namespace,
                "labels": dict(meta.get("labels") or {}),
                **({"annotations": dict(meta["annotations"])} if meta.get("annotations") else {}),
                "ownerReferences": [owner_reference(replica_set)],
            },
            "spec": template["spec"],
        },
    )
    _say(state, key, "SuccessfulCreate", f"Created pod: {key_of(pod).name}")


def _keep_rank(pod: JsonObject) -> tuple[bool, bool, bool, int, int]:
    """Sort what goes first to the front: unbound, not running, not ready, cheap, the newest."""
    version = int(pod["metadata"]["resourceVersion"])
    return (
        bool(pod["spec"].get("nodeName")),
        pod["status"].get("phase") == "Running",
        is_true(pod, "Ready"),
        int(pod["metadata"].get("annotations", {}).get(DELETION_COST, "0")),
        -version,
    )


def _write_status(state: State, replica_set: JsonObject) -> None:
    active = active_pods(state, replica_set)
    ready = sum(1 for pod in active if is_true(pod, "Ready"))
    state.put(
        with_status(
            replica_set,
            replicas=len(active),
            fullyLabeledReplicas=len(active),
            readyReplicas=ready,
            availableReplicas=ready,
            observedGeneration=replica_set["metadata"]["generation"],
        )
    )


def _say(state: State, key: ObjectKey, reason: str, message: str) -> None:
    record(state, Record(key, "Normal", reason, message, "replicaset-controller"))
