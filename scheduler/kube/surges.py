"""One replica more, before a pod leaves: for Deployments that surge when they are updated.

The pod that is to leave is marked so that its ReplicaSet removes it first
(``controller.kubernetes.io/pod-deletion-cost``, KEP-2255), and with how many replicas were asked
for meanwhile, so that a scheduler which starts anew takes the surplus back.
"""

import msgspec

from scheduler.domain.cover import SURGE_ANNOTATION
from scheduler.domain.errors import ClusterUnavailable, EvictionRefused
from scheduler.domain.workload import Pod
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient
from scheduler.kube.volumes import MERGE_PATCH

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
FIRST_TO_GO = "-2147483648"
"""Of all costs the lowest there is."""

_TIMEOUT_S = 15.0


class _Versioned(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    generation: int = 0


class _RollingUpdate(msgspec.Struct, rename="camel"):
    max_surge: int | str = "25%"


class _Strategy(msgspec.Struct, rename="camel"):
    type: str = "RollingUpdate"
    rolling_update: _RollingUpdate | None = None


class _Spec(msgspec.Struct, rename="camel"):
    replicas: int = 1
    paused: bool = False
    strategy: _Strategy = msgspec.field(default_factory=_Strategy)


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0
    updated_replicas: int = 0
    replicas: int = 0


class _Deployment(msgspec.Struct, rename="camel"):
    metadata: _Versioned
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


class Surger:
    """Asks for a replica more, and takes it back."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def begin(self, pod: Pod) -> int:
        """Have a pod's Deployment make one more; return how many it is asked for then.

        0 where nothing was done: the pod is of no Deployment, or of one that does not surge.

        Raises
        ------
        EvictionRefused
            If a roll-out is under way, the Deployment changed meanwhile, or a right is missing.
        ClusterUnavailable
            If there is no answer: it may be done.
        """
        workload = pod.pod_class.workload
        if workload is None or workload.kind != "Deployment":
            return 0
        path = f"/apis/apps/v1/namespaces/{pod.namespace}/deployments/{workload.name}"
        found = await self._deployment(path)
        if not _surges(found.spec):
            return 0
        if not _is_settled(found):
            raise EvictionRefused(f"a roll-out of {workload} is under way")
        wanted = found.spec.replicas + 1
        try:
            await self._mark(pod, {DELETION_COST: FIRST_TO_GO, SURGE_ANNOTATION: str(wanted)})
        except ClusterUnavailable as error:  # it may be marked, but no more is asked for
            raise EvictionRefused(str(error)) from None
        try:
            await self._scale(path, found.metadata.resource_version, wanted)
        except EvictionRefused:
            await self._unmark(pod)
            raise
        return wanted

    async def end(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Ask for one replica less, if as many are asked for as `begin` said; return whether.

        Where somebody else has set another number by now, that is left alone; the pod's marks are
        taken away then, and before anything else where it `stays`. With 0 `replicas` that is all.

        Raises
        ------
        EvictionRefused, ClusterUnavailable
            As `begin`.
        """
        workload = pod.pod_class.workload
        if stays:
            await self._unmark(pod)
        if workload is None or not replicas:
            return False
        path = f"/apis/apps/v1/namespaces/{pod.namespace}/deployments/{workload.name}"
        found = await self._deployment(path)
        if found.spec.replicas != replicas:
            await self._unmark(pod)
            return False
        await self._scale(path, found.metadata.resource_version, replicas - 1)
        return True

    async def _deployment(self, path: str) -> _Deployment:
        try:
            answer = await self._client.get(path, answer_timeout_s=_TIMEOUT_S)
        except Denied as error:
            raise EvictionRefused(error.said) from None
        except ClusterUnavailable as error:  # nothing was asked for yet
            raise EvictionRefused(str(error)) from None
        try:
            return msgspec.json.decode(answer, type=_Deployment)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EvictionRefused(f"{path}: answered no Deployment ({error})") from None

    async def _scale(self, path: str, version: str, replicas: int) -> None:
        change = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
        await self._patch(f"{path}/scale", change)

    async def _unmark(self, pod: Pod) -> None:
        await self._mark(pod, {DELETION_COST: None, SURGE_ANNOTATION: None})

    async def _mark(self, pod: Pod, marks: dict[str, str | None]) -> None:
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
        await self._patch(path, {"metadata": {"uid": pod.uid, "annotations": marks}})

    async def _patch(self, path: str, change: object) -> None:
        try:
            await self._client.send(
                "PATCH", path, change, content_type=MERGE_PATCH, answer_timeout_s=_TIMEOUT_S
            )
        except PutOff as error:
            raise EvictionRefused(str(error), error.retry_s) from None
        except Denied as error:
            raise EvictionRefused(error.said) from None


def _surges(spec: _Spec) -> bool:
    """Whether an update of a Deployment makes pods before it removes others."""
    if spec.strategy.type != "RollingUpdate":
        return False
    rolling = spec.strategy.rolling_update or _RollingUpdate()
    return str(rolling.max_surge) not in ("0", "0%")


def _is_settled(found: _Deployment) -> bool:
    """Whether all replicas are of the newest template, as many as are asked for."""
    status = found.status
    is_seen = status.observed_generation >= found.metadata.generation
    is_whole = status.updated_replicas == status.replicas == found.spec.replicas
    return is_seen and is_whole and not found.spec.paused
