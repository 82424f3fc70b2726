"""Writes about nodes that are dead: their pods removed, or the node out of service (KEP-2268)."""

from typing import Any

import msgspec

from scheduler.domain.errors import ClusterUnavailable
from scheduler.domain.node import OUT_OF_SERVICE
from scheduler.domain.workload import Pod
from scheduler.kube.answers import Denied
from scheduler.kube.client import KubeClient
from scheduler.kube.volumes import MERGE_PATCH, WRITE_TIMEOUT_S

_NOT_FOUND = 404
_CONFLICT = 409


class _Spec(msgspec.Struct, frozen=True):
    taints: tuple[dict[str, Any], ...] = ()


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Node(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    spec: _Spec = _Spec()


class DeadNodeWriter:
    """Removes pods and taints nodes through an API server."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def remove_pod(self, pod: Pod) -> None:
        """Delete a pod without waiting for its kubelet; harmless for one that is gone.

        With the uid, a later pod of that name is left alone.

        Raises
        ------
        ClusterUnavailable
            If there is no answer: it may have been carried out.
        Denied
            If the server does not allow it.
        """
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": pod.uid},
        }
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
        try:
            await self._client.send("DELETE", path, body, answer_timeout_s=WRITE_TIMEOUT_S)
        except Denied as error:
            if error.status not in (_NOT_FOUND, _CONFLICT):
                raise

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put our taint on a node, or take it off; harmless for one that is gone.

        A list of taints is written as a whole: it rests on the version that was read, and the
        server refuses it where the node has changed since. Taints of others stay as they are, and
        a node that others have put out of service is not tainted twice.

        Raises
        ------
        ClusterUnavailable, Denied
            As `remove_pod`.
        """
        path = f"/api/v1/nodes/{node}"
        try:
            answer = await self._client.get(path, answer_timeout_s=WRITE_TIMEOUT_S)
            known = self._read(path, answer)
            taints = _changed(known.spec.taints, is_out=is_out)
            if taints == known.spec.taints:
                return
            version = {"resourceVersion": known.metadata.resource_version}
            body = {"metadata": version, "spec": {"taints": taints or None}}
            await self._client.send(
                "PATCH", path, body, content_type=MERGE_PATCH, answer_timeout_s=WRITE_TIMEOUT_S
            )
        except Denied as error:
            if error.status != _NOT_FOUND:
                raise

    def _read(self, path: str, answer: bytes) -> _Node:
        try:
            return msgspec.json.decode(answer, type=_Node)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = f"{self._client.server}{path}"
            raise ClusterUnavailable(f"{where}: answered no node ({error})") from None


def _changed(taints: tuple[dict[str, Any], ...], *, is_out: bool) -> tuple[dict[str, Any], ...]:
    """Return the taints with ours among them, or without."""
    key, value, effect = OUT_OF_SERVICE.key, OUT_OF_SERVICE.value, OUT_OF_SERVICE.effect
    if not is_out:
        return tuple(t for t in taints if (t.get("key"), t.get("value")) != (key, value))
    if any(taint.get("key") == key for taint in taints):
        return taints
    return (*taints, {"key": key, "value": value, "effect": effect})
