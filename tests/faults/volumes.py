"""Claims that wait for their pods, volumes on nodes, and the controller that binds the two."""

import asyncio
from random import Random

from simulator.change import JsonObject, Refused, key_of, uid_of
from simulator.command import Command, Create, Patch
from tests.faults.api import ApiServer

_CLASS = "local"
_LONGEST_BIND_S = 0.5


def storage(claims: list[str], nodes: list[str], rng: Random) -> list[Command]:
    """Return a class, the claims, and volumes on some of the nodes, perhaps too few."""
    if not claims:
        return []
    made: list[JsonObject] = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": _CLASS},
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    ]
    made += [_claim(name) for name in claims]
    made += [_volume(f"v{k}", rng.choice(nodes)) for k in range(len(claims) + rng.randint(-1, 2))]
    return [Create(obj) for obj in made]


def _claim(name: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": _CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _volume(name: str, node: str) -> JsonObject:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "storageClassName": _CLASS,
            "local": {"path": "/data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


class VolumeController:
    """Binds claims to the volumes reserved for them, as kube-controller-manager's does."""

    def __init__(self, api: ApiServer, rng: Random) -> None:
        self._api = api
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        api.follow("persistentvolumes", 0, lambda entry: self._see(entry.name[1]))

    def _see(self, name: str) -> None:
        self._loop.call_later(self._rng.uniform(0.0, _LONGEST_BIND_S), self._sync, name)

    def _sync(self, name: str) -> None:
        """Complete a reservation; undo one for a claim that has another volume."""
        volume = self._api.get("PersistentVolume", name)
        reference = volume["spec"].get("claimRef") if volume is not None else None
        if volume is None or reference is None or volume["status"]["phase"] == "Bound":
            return
        claim = self._api.get("PersistentVolumeClaim", reference["name"])
        if claim is None or uid_of(claim) != reference["uid"]:
            return
        has = claim["spec"].get("volumeName")
        if has not in (None, name):
            self._patch(volume, {"spec": {"claimRef": None}})
            return
        done = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
        self._patch(claim, {"metadata": done, "spec": {"volumeName": name}})
        self._patch(claim, {"status": {"phase": "Bound"}}, "status")
        self._patch(volume, {"status": {"phase": "Bound"}}, "status")

    def _patch(self, obj: JsonObject, change: JsonObject, sub: str = "") -> None:
        try:
            self._api.do(Patch(key_of(obj), change, "status" if sub else ""))
        except Refused as refused:
            raise AssertionError(f"the volume controller is refused: {refused}") from None
