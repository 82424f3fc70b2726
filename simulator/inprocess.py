"""The in-process door: the embedded cluster as the service sees any cluster.

Fulfils `scheduler.domain.ports.Cluster` and `scheduler.domain.ports.RttSource` in the service's own
process and on its event loop; tests run it in virtual time.
"""

import asyncio
from collections.abc import AsyncIterator

from scheduler.domain.cluster_events import ClusterEvent, Listed
from scheduler.domain.cover import BACKUP_ANNOTATION, SURGE_ANNOTATION
from scheduler.domain.errors import (
    BindConflict,
    EvictionRefused,
    InputError,
    PlaceholderRefused,
    VolumeRefused,
)
from scheduler.domain.node import OUT_OF_SERVICE
from scheduler.domain.placeholder import Placeholder
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod
from simulator.change import Change, JsonObject, ObjectKey, Refused, key_of, uid_of
from simulator.command import Bind, Command, Create, Delete, Patch, Record, Scale, SetCondition
from simulator.placeholder import placeholder_pod
from simulator.replicasets import DELETION_COST
from simulator.running import RunningWorld
from simulator.translation import TRANSLATED, translated
from simulator.world import World

_COMPONENT = "custom-scheduler"
_FIRST_TO_GO = "-2147483648"
_BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"


class InProcessCluster(RunningWorld):
    """A running world that answers the service's ports."""

    def __init__(self, world: World, speed: float = 1.0) -> None:
        super().__init__(world, speed)
        self._told: list[asyncio.Queue[ClusterEvent]] = []

    async def events(self) -> AsyncIterator[ClusterEvent]:
        """List everything, say `Listed`, then follow changes until cancelled."""
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        # Listing and subscribing are one step without an await: no change falls between them.
        for kind in TRANSLATED:
            for obj in self.cluster.all_of(kind):
                self._offer(queue, Change("ADDED", obj))
        queue.put_nowait(Listed())
        unfollow = self.follow(lambda change: self._offer(queue, change))
        self._told.append(queue)
        try:
            while True:
                yield await queue.get()
                queue.task_done()  # who asks for the next event has taken this one in
        finally:
            self._told.remove(queue)
            unfollow()

    async def list_anew(self) -> None:
        """Return when all that was told is taken in: changes are told as they happen."""
        for queue in tuple(self._told):
            await queue.join()

    async def bind(self, binding: Binding) -> None:
        """Bind a pod.

        Raises
        ------
        BindConflict
            If the cluster refuses.
        """
        await asyncio.sleep(0)  # as a request to a server would, let others run
        pod = binding.pod
        command = Bind(pod.namespace, pod.name, binding.node, pod.uid, binding.annotations)
        try:
            self.execute(command)
        except Refused as refusal:
            self.happenings.say(self.now_s(), f"binding of {pod.display_name} refused: {refusal}")
            raise BindConflict(pod.key, binding.node, refusal.message) from None

    async def note(self, note: PodNote) -> None:
        """Write an event, and for a condition also the pod's PodScheduled=False."""
        await asyncio.sleep(0)
        pod = note.pod
        key = ObjectKey("Pod", pod.namespace, pod.name)
        component = pod.scheduler_name or _COMPONENT
        commands: list[Command] = [
            Record(key, note.kind, note.reason, note.message, component, pod.uid)
        ]
        if note.condition and self._is_waiting(key, pod.uid):
            condition = {
                "type": "PodScheduled",
                "status": "False",
                "reason": note.condition,
                "message": note.message,
            }
            commands.append(SetCondition(key, condition))
        for command in commands:
            try:
                self.execute(command)
            except Refused as refusal:
                text = f"note about {pod.display_name} refused: {refusal}"
                self.happenings.say(self.now_s(), text)

    async def mark_backup(self, pod: Pod, backup: str) -> None:
        """Write on a bound pod which node is reserved for it now; the empty name for none."""
        await asyncio.sleep(0)
        key = ObjectKey("Pod", pod.namespace, pod.name)
        obj = self.cluster.get(key)
        if obj is not None and uid_of(obj) == pod.uid:
            marks = {BACKUP_ANNOTATION: backup or None}
            self.execute(Patch(key, {"metadata": {"annotations": marks}}, "status"))

    async def evict(self, pod: Pod) -> None:
        """Delete a pod; there are no disruption budgets here.

        Raises
        ------
        EvictionRefused
            If it is gone.
        """
        await asyncio.sleep(0)
        try:
            self.execute(Delete(ObjectKey("Pod", pod.namespace, pod.name), pod.uid))
        except Refused as refusal:
            raise EvictionRefused(refusal.message) from None

    async def create_placeholder(self, placeholder: Placeholder) -> None:
        """Create a pod that holds room on its node.

        Raises
        ------
        PlaceholderRefused
            If the cluster refuses.
        """
        await asyncio.sleep(0)
        try:
            self.execute(Create(placeholder_pod(placeholder)))
        except Refused as refusal:
            raise PlaceholderRefused(refusal.message) from None

    async def delete_placeholder(self, pod: Pod) -> None:
        """Delete a placeholder at once; done where it is gone. Raises as above."""
        await asyncio.sleep(0)
        key = ObjectKey("Pod", pod.namespace, pod.name)
        if self.cluster.get(key) is None:
            return
        try:
            self.execute(Delete(key, pod.uid, grace_s=0))
        except Refused as refusal:
            raise PlaceholderRefused(refusal.message) from None

    async def surge(self, pod: Pod) -> int:
        """Have a pod's Deployment make one more; the pod is the first to be removed then.

        Raises
        ------
        EvictionRefused
            If it is gone.
        """
        await asyncio.sleep(0)
        found = self._deployment_of(pod)
        if found is None or not _surges(found):
            return 0
        wanted = int(found["spec"].get("replicas", 1)) + 1
        self._mark_surge(pod, str(wanted))
        self.execute(Scale(key_of(found), wanted))
        return wanted

    async def end_surge(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Want one replica less, if as many are wanted as `surge` said; return whether."""
        await asyncio.sleep(0)
        if stays:
            self._mark_surge(pod, None)
        if not replicas:
            return False
        found = self._deployment_of(pod)
        if found is None or found["spec"].get("replicas", 1) != replicas:
            self._mark_surge(pod, None)
            return False
        self.execute(Scale(key_of(found), replicas - 1))
        return True

    def _deployment_of(self, pod: Pod) -> JsonObject | None:
        workload = pod.pod_class.workload
        if workload is None or workload.kind != "Deployment":
            return None
        return self.cluster.get(ObjectKey("Deployment", pod.namespace, workload.name))

    def _mark_surge(self, pod: Pod, replicas: str | None) -> None:
        key = ObjectKey("Pod", pod.namespace, pod.name)
        obj = self.cluster.get(key)
        if obj is None or uid_of(obj) != pod.uid:
            return
        cost = _FIRST_TO_GO if replicas else None
        marks = {DELETION_COST: cost, SURGE_ANNOTATION: replicas}
        self.execute(Patch(key, {"metadata": {"annotations": marks}}, "status"))

    async def remove_pod(self, pod: Pod) -> None:
        """Remove a pod without its kubelet's word; harmless for one that is gone."""
        await asyncio.sleep(0)
        key = ObjectKey("Pod", pod.namespace, pod.name)
        obj = self.cluster.get(key)
        if obj is not None and uid_of(obj) == pod.uid:
            self.execute(Delete(key, pod.uid, grace_s=0))

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put our taint on a node, or take it off; harmless for one that is gone."""
        await asyncio.sleep(0)
        key = ObjectKey("Node", "", node)
        obj = self.cluster.get(key)
        if obj is None:
            return
        ours = {"key": OUT_OF_SERVICE.key, "value": OUT_OF_SERVICE.value}
        taints = [t for t in obj["spec"].get("taints", ()) if not ours.items() <= t.items()]
        if is_out and all(taint["key"] != OUT_OF_SERVICE.key for taint in taints):
            taints.append({**ours, "effect": OUT_OF_SERVICE.effect})
        self.execute(Patch(key, {"spec": {"taints": taints or None}}))

    async def reserve_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume for a claim; return the volume's new version.

        Raises
        ------
        VolumeRefused
            If the cluster refuses.
        """
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": claim.uid,
            "resourceVersion": claim.version,
        }
        marks = {} if volume.claim is not None else {_BOUND_BY_CONTROLLER: "yes"}
        metadata = {"annotations": marks, "resourceVersion": volume.version}
        key = ObjectKey("PersistentVolume", "", volume.name)
        return await self._patch(key, {"metadata": metadata, "spec": {"claimRef": reference}})

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Have a claim provisioned for a node; return its new version. Raises as above."""
        marks = {_SELECTED_NODE: node}
        metadata = {"annotations": marks, "resourceVersion": claim.version}
        key = ObjectKey("PersistentVolumeClaim", claim.namespace, claim.name)
        return await self._patch(key, {"metadata": metadata})

    async def _patch(self, key: ObjectKey, change: JsonObject) -> str:
        await asyncio.sleep(0)
        try:
            written = self.execute(Patch(key, change))
        except Refused as refusal:
            raise VolumeRefused(refusal.message) from None
        return str(written["metadata"]["resourceVersion"]) if written is not None else ""

    def _is_waiting(self, key: ObjectKey, uid: str) -> bool:
        obj = self.cluster.get(key)
        return obj is not None and uid_of(obj) == uid and not obj["spec"].get("nodeName")

    def _offer(self, queue: asyncio.Queue[ClusterEvent], change: Change) -> None:
        try:
            event = translated(change)
        except InputError as error:
            self.happenings.say(self.cluster.now_s, f"cannot be read: {error}")
            return
        if event is not None:
            queue.put_nowait(event)


def _surges(deployment: JsonObject) -> bool:
    """Whether an update makes pods before it removes others."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return False
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge", "25%")
    return str(surge) not in ("0", "0%")
