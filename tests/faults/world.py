"""One episode's world: cluster, network, agents, processes; what faults are given to harm."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from scheduler.domain.ports import Cluster
from scheduler.kube.client import KubeClient
from scheduler.service.state import PlanFunction
from simulator.change import JsonObject, Refused, key_of, uid_of
from simulator.command import Command, Create, Delete
from tests.faults.agents import Agents, flat_truth
from tests.faults.api import ApiServer
from tests.faults.at_bind import BindJudge
from tests.faults.at_end import FreshList
from tests.faults.at_eviction import EvictionJudge
from tests.faults.chance import chance
from tests.faults.loop import VirtualLoop
from tests.faults.messages import Answer, Request
from tests.faults.planning import plan
from tests.faults.process import Process, Terms, kube_cluster
from tests.faults.scene import OURS, Moment, Scene, drawn_scene
from tests.faults.volumes import VolumeController
from tests.faults.weather import Weather
from tests.faults.wire import Net, Wire

_WALL_S = 1_767_225_600.0
"""What the clocks say at the beginning: the embedded cluster's own epoch, 2026-01-01."""


@dataclass(frozen=True, slots=True)
class Staging:
    """How the schedulers of an episode are run, as its fault wants it."""

    replicas: int = 1
    elects: bool = False
    plan: PlanFunction = plan
    cluster: Callable[[KubeClient], Cluster] = kube_cluster


@dataclass
class World:
    """Everything there is. Faults change `net`, `agents`, `wall_shift_s`, and the cluster.

    Attributes
    ----------
    violations
        What was seen that must not be.
    wall_shift_s
        By how much the wall clock of each process is wrong.
    """

    loop: VirtualLoop
    rng: Random
    scene: Scene
    staging: Staging
    api: ApiServer
    net: Net
    agents: Agents
    fresh: FreshList
    judge: BindJudge = field(default_factory=BindJudge)
    evictions: EvictionJudge = field(default_factory=EvictionJudge)
    processes: list[Process] = field(default_factory=list)
    dead: list[Process] = field(default_factory=list)
    stopping: list[asyncio.Task[None]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    wall_shift_s: dict[str, float] = field(default_factory=dict)
    started: int = 0
    _at_binding: list[Callable[[], object]] = field(default_factory=list)

    # Processes

    def start(self) -> Process:
        """Start a scheduler."""
        self.started += 1
        name = f"scheduler-{self.started}"
        known: list[Process] = []
        wire = Wire(
            self.net,
            name,
            lambda request: self._sent(known[0], request),
            self._heard,
        )
        terms = Terms(
            lambda: _WALL_S + self.loop.time() + self.wall_shift_s.get(name, 0.0),
            lambda: self.rng.choice((0.0, 0.001, 0.02, 0.2)),
            elects=self.staging.elects,
            plan=self.staging.plan,
            cluster=self.staging.cluster,
        )
        known.append(Process(name, wire, self.agents, terms))
        self.processes.append(known[0])
        return known[0]

    def kill(self, process: Process) -> None:
        """Kill a scheduler between two steps."""
        process.kill()
        if process in self.processes:
            self.processes.remove(process)
            self.dead.append(process)

    def retire(self, process: Process, stopping: asyncio.Task[None]) -> None:
        """Count a process that was told to stop among the dead."""
        self.processes.remove(process)
        self.dead.append(process)
        self.stopping.append(stopping)

    @property
    def leader(self) -> Process | None:
        """The process that acts, if there is one."""
        acting = [p for p in self.processes if p.is_alive and p.runtime.is_leading]
        return acting[0] if len(acting) == 1 else None

    def restart_deposed(self) -> None:
        """Start anew what ended because its leadership did, as a kubelet does."""
        for process in tuple(self.processes):
            if process.failure():
                self.violations.append(f"bug: {process.name} ended: {process.failure()}")
            if not process.is_alive:
                self.kill(process)
                self.start()

    def after_binding(self, happen: Callable[[], object]) -> None:
        """Have something happen once, within the steps after the next binding is sent."""
        self._at_binding.append(happen)

    # The cluster

    def do(self, command: Command) -> JsonObject | None:
        """Have something happen in the cluster; what it refuses does not happen."""
        with suppress(Refused):
            return self.api.do(command)
        return None

    def act(self, moment: Moment) -> None:
        """Do what people do at a moment."""
        if moment.command is not None:
            self.do(moment.command)
            return
        pods = self.pods()
        if pods:
            self.delete(pods[int(moment.dice * len(pods))])

    def delete(self, pod: JsonObject, grace_s: float | None = None) -> None:
        """Delete a pod as people do, or at once with a grace of 0."""
        self.do(Delete(key_of(pod), uid_of(pod), grace_s))

    def pods(self, *, bound: bool | None = None) -> list[JsonObject]:
        """Return our pods, bound or unbound ones if that is said."""
        return [
            pod
            for pod in self.api.cluster.all_of("Pod")
            if pod["spec"]["schedulerName"] == OURS
            and bound in (None, bool(pod["spec"].get("nodeName")))
        ]

    def standing(self, process: Process) -> object:
        """Return all that decides who could be placed, in a form to be compared."""
        cluster, rtt = self.api.cluster, process.state.cache.rtt
        pods = [
            (uid_of(p), p["spec"].get("nodeName"), p["status"]["phase"], _is_going(p))
            for p in cluster.all_of("Pod")
        ]
        nodes = [node["metadata"]["resourceVersion"] for node in cluster.all_of("Node")]
        return pods, nodes, [rtt.from_node(row).tolist() for row in range(len(rtt.nodes))]

    def _sent(self, process: Process, request: Request) -> None:
        if request.is_binding:
            pod = self.api.get("Pod", request.path.split("/")[-2])
            now_s = self.loop.time()
            wrong = self.judge.sent(request, process.state.cache, pod, now_s)
            wrong += process.trespasses("binding")
            self.evictions.bound(request)
            leaders = [p.name for p in self.processes if p.is_alive and p.runtime.is_leading]
            if len(leaders) > 1:
                wrong.append(f"leaders: {' and '.join(leaders)} lead at once")
            for happen in self._at_binding:
                self.loop.at_step(self.loop.steps + self.rng.randint(1, 40), happen)
            self._at_binding.clear()
            self.violations += [f"{now_s:.3f} s, {process.name}: {what}" for what in wrong]

        elif request.is_eviction:
            now_s = self.loop.time()
            state = process.state
            wrong = self.evictions.sent(request, state.cache, now_s, state.clock.wall_s())
            wrong += process.trespasses("eviction")
            self.violations += [f"{now_s:.3f} s, {process.name}: {what}" for what in wrong]

    def _heard(self, request: Request, answer: Answer | None) -> None:
        if request.is_binding:
            self.judge.heard(request, answer)
        elif request.is_eviction:
            self.evictions.heard(request, answer)


def _is_going(pod: JsonObject) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def new_world(loop: VirtualLoop, seed: int, staging: Staging) -> World:
    """Return the world of a seed, its nodes there and nothing begun."""
    scene = drawn_scene(chance("scene", seed))
    rng = chance("faults", seed)
    truth = flat_truth(scene.names, chance("network", seed))
    agents = Agents(truth, scene.report_s, chance("drift", seed))
    api = ApiServer(seed)
    net = Net(api, Weather(chance("weather", seed)))
    world = World(loop, rng, scene, staging, api, net, agents, FreshList(api))
    VolumeController(api, chance("volumes", seed))
    for node in scene.nodes:
        world.do(Create(node))
    return world


async def live(world: World) -> None:
    """Let people do what they do."""
    for moment in world.scene.moments:
        await asyncio.sleep(max(0.0, moment.at_s - world.loop.time()))
        world.act(moment)
