"""Three doors to a cluster that must behave alike: in process, the simulator's API, a real one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scheduler.domain.cluster_events import ClusterEvent, Listed, PodChanged
from scheduler.domain.ports import Cluster
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from simulator.change import JsonObject, ObjectKey
from simulator.command import Create, Delete
from simulator.inprocess import InProcessCluster
from simulator.rest.launch import started
from simulator.world import Options, open_world
from tests.real.api import Api
from tests.real.cluster import Cluster as RealCluster
from tests.real.objects import OURS

SCENARIO = """\
apiVersion: isochrone.dev/v1
kind: Scenario
nodes: {source: metros, count: 2}
drift: 0s
"""
_PLURALS = {
    "Node": "nodes",
    "Pod": "pods",
    "Service": "services",
    "Event": "events",
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}
_CLUSTER_WIDE = ("Node", "PersistentVolume")
WAIT_S = 20.0


class Door(Protocol):
    """What a contract's case needs besides the port."""

    namespace: str

    def create(self, obj: JsonObject) -> JsonObject:
        """Create an object; return it as stored."""
        ...

    def delete(self, kind: str, name: str) -> None:
        """Delete an object at once."""
        ...

    def get(self, kind: str, name: str) -> JsonObject:
        """Return an object."""
        ...

    def events(self, pod: str) -> list[JsonObject]:
        """Return the events about a pod, as the core group shows them."""
        ...


@dataclass
class InProcessDoor:
    """The embedded cluster in this process."""

    running: InProcessCluster
    namespace: str = "default"

    def create(self, obj: JsonObject) -> JsonObject:
        """Create an object."""
        metadata = {"namespace": self.namespace, **obj["metadata"]}
        made = self.running.execute(Create({**obj, "metadata": metadata}))
        assert made is not None
        return made

    def delete(self, kind: str, name: str) -> None:
        """Delete an object at once."""
        self.running.execute(Delete(self._key(kind, name), grace_s=0))

    def get(self, kind: str, name: str) -> JsonObject:
        """Return an object."""
        found = self.running.cluster.get(self._key(kind, name))
        assert found is not None
        return found

    def events(self, pod: str) -> list[JsonObject]:
        """Return the events about a pod."""
        found = self.running.cluster.all_of("Event", self.namespace)
        return [e for e in found if e["involvedObject"]["name"] == pod]

    def _key(self, kind: str, name: str) -> ObjectKey:
        return ObjectKey(kind, "" if kind in _CLUSTER_WIDE else self.namespace, name)


@dataclass
class ApiDoor:
    """A Kubernetes API over HTTP."""

    api: Api
    namespace: str = "default"

    def create(self, obj: JsonObject) -> JsonObject:
        """Create an object."""
        return self.api.create(self._path(obj["kind"]), obj)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object at once."""
        self.api.delete(f"{self._path(kind)}/{name}", gracePeriodSeconds="0")

    def get(self, kind: str, name: str) -> JsonObject:
        """Return an object."""
        return self.api.get(f"{self._path(kind)}/{name}")

    def events(self, pod: str) -> list[JsonObject]:
        """Return the events about a pod."""
        return self.api.items(self._path("Event"), fieldSelector=f"involvedObject.name={pod}")

    def _path(self, kind: str) -> str:
        namespace = "" if kind in _CLUSTER_WIDE else f"/namespaces/{self.namespace}"
        return f"/api/v1{namespace}/{_PLURALS[kind]}"


@dataclass
class Scene:
    """A door, the port behind it, and what the port has told so far."""

    door: Door
    cluster: Cluster
    told: list[ClusterEvent] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Take in what the port tells, until cancelled."""
        async for event in self.cluster.events():
            self.told.append(event)
            self._news.set()

    async def until(self, holds: Callable[[list[ClusterEvent]], object], after: int = 0) -> None:
        """Wait until something holds of what was told after the first `after` events."""
        async with asyncio.timeout(WAIT_S):
            while not holds(self.told[after:]):
                self._news.clear()
                await self._news.wait()

    async def pod(self, name: str) -> PodChanged:
        """Return what was told last of a pod, once something was."""
        key = f"{self.door.namespace}/{name}"

        def of(told: list[ClusterEvent]) -> list[PodChanged]:
            return [e for e in told if isinstance(e, PodChanged) and e.pod.key == key]

        await self.until(of)
        return of(self.told)[-1]


@asynccontextmanager
async def in_process(folder: Path) -> AsyncIterator[Scene]:
    """Open the in-process door."""
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO)
    running = InProcessCluster(open_world(Options(scenario=path)))
    life = asyncio.create_task(running.live())
    try:
        async with _read(Scene(InProcessDoor(running), running)) as scene:
            yield scene
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[Scene]:
    """Open the simulator's API, in a process of its own."""
    path, kubeconfig = folder / "scenario.yaml", folder / "kubeconfig"
    path.write_text(SCENARIO)
    async with started(Options(scenario=path), kubeconfig=kubeconfig) as simulator:
        api = Api(simulator.server, "", kubeconfig)
        try:
            async with connected(kubeconfig) as client:
                scene = Scene(ApiDoor(api), KubeCluster(client, OURS))
                async with _read(scene):
                    yield scene
        finally:
            api.close()


@asynccontextmanager
async def real(cluster: RealCluster) -> AsyncIterator[Scene]:
    """Open the real API server."""
    kubeconfig = cluster.control_plane.kubeconfig("contract")
    async with connected(kubeconfig) as client:
        scene = Scene(ApiDoor(cluster.api, cluster.namespace), KubeCluster(client, OURS))
        async with _read(scene):
            yield scene


@asynccontextmanager
async def _read(scene: Scene) -> AsyncIterator[Scene]:
    reading = asyncio.create_task(scene.read())
    try:
        await scene.until(lambda told: any(isinstance(e, Listed) for e in told))
        yield scene
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
