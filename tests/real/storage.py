"""Storage of a real cluster: classes, volumes, claims, and an imitation of a provisioner.

The volume controller is the real one. What drivers do on nodes nobody does: there are no kubelets.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from tests.real.api import Object, Refused
from tests.real.cluster import Cluster

SELECTED = "volume.kubernetes.io/selected-node"
_BASE = "/apis/storage.k8s.io/v1"
_LOOK_S = 0.05


class Storage:
    """What a test keeps of storage; `remove` removes what is not in its namespace.

    Names begin with that of the namespace: volumes and classes are the whole cluster's.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = cluster.api
        self.waits = f"{cluster.namespace}-waits"
        """A class whose volumes are there already; claims wait for their pod."""
        self.made = f"{cluster.namespace}-made"
        """A class whose volumes are provisioned once the pod has a node."""
        for name, provisioner in (
            (self.waits, "kubernetes.io/no-provisioner"),
            (self.made, "example.com/imitation"),
        ):
            made = {
                "metadata": {"name": name},
                "provisioner": provisioner,
                "volumeBindingMode": "WaitForFirstConsumer",
            }
            self._api.create(f"{_BASE}/storageclasses", made)

    def add_local_volume(self, name: str, node: str, *, mode: str = "ReadWriteOnce") -> str:
        """Add a disk of a node; return the volume's name."""
        full = f"{self._cluster.namespace}-{name}"
        self._api.create("/api/v1/persistentvolumes", volume(full, node, self.waits, mode=mode))
        return full

    def add_claim(self, name: str, storage_class: str, *, mode: str = "ReadWriteOnce") -> None:
        """Add a claim in the test's namespace."""
        made = {"metadata": {"name": name}, "spec": claim_spec(storage_class, mode=mode)}
        self._api.create(f"{self._cluster.path}/persistentvolumeclaims", made)

    def claim(self, name: str) -> Object:
        """Return a claim."""
        return self._api.get(f"{self._cluster.path}/persistentvolumeclaims/{name}")

    def selected(self, name: str) -> str:
        """Return the node that a claim is to be provisioned for, or nothing."""
        return str(self.claim(name)["metadata"].get("annotations", {}).get(SELECTED, ""))

    def volume(self, name: str) -> Object:
        """Return a volume by its name."""
        return self._api.get(f"/api/v1/persistentvolumes/{name}")

    def remove(self) -> None:
        """Remove classes, and volumes once their claims are gone."""
        self._api.delete(f"{self._cluster.path}/pods", gracePeriodSeconds="0")
        self._api.delete(f"{self._cluster.path}/persistentvolumeclaims")
        for name in (self.waits, self.made):
            self._api.delete(f"{_BASE}/storageclasses/{name}")
        for found in self._api.items("/api/v1/persistentvolumes"):
            if found["spec"].get("storageClassName") in (self.waits, self.made):
                self._api.delete(f"/api/v1/persistentvolumes/{found['metadata']['name']}")


def claim_spec(storage_class: str, *, mode: str = "ReadWriteOnce") -> Object:
    """Return what a claim asks for."""
    return {
        "storageClassName": storage_class,
        "accessModes": [mode],
        "resources": {"requests": {"storage": "1Gi"}},
    }


def volume(name: str, node: str, storage_class: str, *, mode: str = "ReadWriteOnce") -> Object:
    """Return a volume that can be used on one node."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    terms = [{"matchExpressions": [here]}]
    return {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": [mode],
            "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": f"/disks/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
        },
    }


def using(pod: Object, *claims: str) -> Object:
    """Return a pod that mounts claims."""
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}}


class Provisioner:
    """Makes a volume, on the node that was selected, for each claim of a class; while inside.

    Parameters
    ----------
    storage, cluster
        Where.
    failures
        So many times it gives up first, as provisioners say it: it takes the annotation away.
    """

    def __init__(self, storage: Storage, cluster: Cluster, *, failures: int = 0) -> None:
        self._storage = storage
        self._path = f"{cluster.path}/persistentvolumeclaims"
        self._api = cluster.control_plane.account(cluster.control_plane.token)
        self._left = failures
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._api.close()

    def _run(self) -> None:
        while not self._ends.wait(_LOOK_S):
            for claim in self._waiting():
                with suppress(Refused):  # a conflict, or it is gone: the next look will tell
                    self._provision(claim)

    def _waiting(self) -> Sequence[Object]:
        return [
            claim
            for claim in self._api.items(self._path)
            if claim["spec"].get("storageClassName") == self._storage.made
            and not claim["spec"].get("volumeName")
            and SELECTED in claim["metadata"].get("annotations", {})
        ]

    def _provision(self, claim: Object) -> None:
        metadata = claim["metadata"]
        if self._left:
            self._left -= 1
            none = {"metadata": {"annotations": {SELECTED: None}}}
            self._api.patch(f"{self._path}/{metadata['name']}", none)
            return
        node = metadata["annotations"][SELECTED]
        made = volume(f"pvc-{metadata['uid']}", node, self._storage.made)
        made["metadata"]["annotations"] = {
            "pv.kubernetes.io/provisioned-by": "example.com/imitation"
        }
        made["spec"]["claimRef"] = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        self._api.create("/api/v1/persistentvolumes", made)
