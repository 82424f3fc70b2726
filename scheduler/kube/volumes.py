"""Writes to claims and volumes, as kube-scheduler makes them before a binding.

What is written, and the names of the annotations: component-helpers ``storage/volume``. Each write
names the version it rests on: the server refuses it where the object has changed since.
"""

from collections.abc import Mapping

import msgspec

from scheduler.domain.errors import ClusterUnavailable, VolumeRefused
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient
from scheduler.kube.kinds import Head

WRITE_TIMEOUT_S = 15.0
"""For an answer, as for a binding."""

BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
"""Says that people did not reserve the volume themselves: the volume controller may undo it."""

SELECTED_NODE = "volume.kubernetes.io/selected-node"

MERGE_PATCH = "application/merge-patch+json"


class VolumeWriter:
    """Reserves volumes and selects nodes through an API server."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def reserve(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume for a claim; return the volume's new version.

        Raises
        ------
        VolumeRefused
            If the server does not carry it out, for one because the volume has changed.
        ClusterUnavailable
            If there is no answer: it may have been carried out.
        """
        reference = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": claim.uid,
            "resourceVersion": claim.version,
        }
        # Where people have named the claim in the volume, it stays their doing.
        marks = {} if volume.claim is not None else {BOUND_BY_CONTROLLER: "yes"}
        return await self._patch(
            f"/api/v1/persistentvolumes/{volume.name}",
            volume.version,
            {"metadata": {"annotations": marks}, "spec": {"claimRef": reference}},
        )

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Have a claim provisioned for a node; return its new version. Raises as `reserve`."""
        return await self._patch(
            f"/api/v1/namespaces/{claim.namespace}/persistentvolumeclaims/{claim.name}",
            claim.version,
            {"metadata": {"annotations": {SELECTED_NODE: node}}},
        )

    async def _patch(
        self, path: str, version: str, change: Mapping[str, Mapping[str, object]]
    ) -> str:
        metadata = {**change["metadata"], "resourceVersion": version}
        try:
            answer = await self._client.send(
                "PATCH",
                path,
                {**change, "metadata": metadata},
                content_type=MERGE_PATCH,
                answer_timeout_s=WRITE_TIMEOUT_S,
            )
        except PutOff as error:
            raise VolumeRefused(str(error)) from None
        except Denied as error:
            raise VolumeRefused(error.said) from None
        try:
            return msgspec.json.decode(answer, type=Head).metadata.resource_version
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = f"{self._client.server}{path}"
            raise ClusterUnavailable(f"{where}: answered no object ({error})") from None
