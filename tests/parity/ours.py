"""Our own verdict on a case, in the form of the oracle's answer.

Everything is read by the readers that the service and the offline command use.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.errors import InputError
from scheduler.domain.object_events import StorageKind
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.storage import Storage
from scheduler.domain.stored import storage_of
from scheduler.domain.workload import Pod
from scheduler.objects.node import read_node
from scheduler.objects.pod import read_pod, read_pod_changed, read_served_pod
from scheduler.objects.service import read_service
from scheduler.objects.storage import read_namespace
from scheduler.objects.storage_kinds import READERS
from scheduler.placement.judge import judge
from scheduler.placement.settings import PlacementSettings
from tests.parity.oracle_process import Answer, Case

_FINISHED = ("Succeeded", "Failed")
_STORAGE: Mapping[str, StorageKind] = {
    "persistentVolumeClaims": "PersistentVolumeClaim",
    "persistentVolumes": "PersistentVolume",
    "storageClasses": "StorageClass",
    "csiNodes": "CSINode",
    "csiDrivers": "CSIDriver",
    "csiStorageCapacities": "CSIStorageCapacity",
    "volumeAttachments": "VolumeAttachment",
}
"""Kinds by the field of a case that has them."""
_SETTINGS = PlacementSettings()

T = TypeVar("T")


def judged(case: Case) -> Answer:
    """Return our answer to a case; what cannot be read, or judged, is an error in it."""
    try:
        pod = incoming(case)
        found = judge(snapshot_of(case, [pod]), pod, _SETTINGS)
    except Exception as error:  # noqa: BLE001 - a bug in one case must not end a run of thousands
        return _failed(case, error)
    problems = {"plugin": "", "code": "", "reasons": list(found.problems)}
    return {
        "id": case["id"],
        "preFilter": problems if found.problems else None,
        "nodes": {name: _verdict(reasons) for name, reasons in found.nodes.items()},
        "error": "",
    }


def _failed(case: Case, error: Exception) -> Answer:
    said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return {"id": case["id"], "preFilter": None, "nodes": {}, "error": said}


def incoming(case: Case) -> Pod:
    """Return the pod to be judged: as an API server shows it, or as it was written.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    written = case["pod"]
    is_served = "creationTimestamp" in written["metadata"]
    return read_served_pod(written) if is_served else read_pod(written)


def snapshot_of(case: Case, pending: Iterable[Pod]) -> ClusterSnapshot:
    """Return the world of a case, with pods that wait.

    Raises
    ------
    InputError
        If something in it cannot be read.
    """
    alive = [pod for pod in _all(case, "pods", read_pod_changed) if _is_there(pod)]
    return build_snapshot(
        _all(case, "nodes", read_node),
        list(pending),
        placed=[(pod.pod, pod.node) for pod in alive],
        terminating=frozenset(pod.pod.key for pod in alive if pod.is_terminating),
        services=_all(case, "services", read_service),
        namespaces=dict(_all(case, "namespaces", read_namespace)),
        storage=_storage(case),
    )


def _storage(case: Case) -> Storage:
    return storage_of(
        one for field, kind in _STORAGE.items() for one in _all(case, field, READERS[kind])
    )


def _all(case: Case, field: str, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    return [read(one) for one in case.get(field, ())]


def _is_there(pod: PodChanged) -> bool:
    return bool(pod.node) and pod.phase not in _FINISHED


def _verdict(reasons: tuple[str, ...]) -> Answer:
    if not reasons:
        return {"ok": True}
    return {"ok": False, "plugin": "", "code": "", "reasons": list(reasons)}
