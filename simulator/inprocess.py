"""The in-process door: the embedded cluster as the service sees any cluster.

Fulfils `scheduler.domain.ports.Cluster` and `scheduler.domain.ports.RttSource`. `live` lets time
pass: it must run for anything to happen. The clock is the event loop's, so that a loop of virtual
time runs hours in no time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from scheduler.domain.errors import BindConflict, InputError
from scheduler.domain.ports import Binding, ClusterEvent, Listed, PodNote
from simulator.change import Change, ObjectKey, Refused, uid_of
from simulator.cluster import EmbeddedCluster
from simulator.command import Bind, Command, Record, SetCondition
from simulator.facts import Facts, facts_of
from simulator.happenings import Happenings
from simulator.narrator import Narrator
from simulator.translation import translated
from simulator.world import World
from telemetry.model import RttTable

_WATCHED = ("Node", "Service", "Pod")
_COMPONENT = "custom-scheduler"


class InProcessCluster:
    """A running world.

    Parameters
    ----------
    world
        What to run.
    speed
        Seconds of the cluster a second of the loop's clock.

    Attributes
    ----------
    happenings
        What happened lately, for people.
    drifts
        How often the RTT table was replaced.
    """

    def __init__(self, world: World, speed: float = 1.0) -> None:
        self.happenings = Happenings()
        self.drifts = 0
        self._world = world
        self._speed = speed
        self._started_s: float | None = None
        self._reached_s = 0.0
        self._narrator = Narrator()
        self._moments = list(world.moments)
        self._watchers: list[asyncio.Queue[ClusterEvent]] = []
        self._wake = asyncio.Event()
        self._table = world.network.table(0.0)
        self._table_until_s = world.network.next_change_s(0.0)
        self._table_changed = asyncio.Event()
        self._is_submitted = False
        list(self._narrator.tell(Change("ADDED", n) for n in world.cluster.all_of("Node")))

    @property
    def cluster(self) -> EmbeddedCluster:
        """The state machine, for reading."""
        return self._world.cluster

    @property
    def world(self) -> World:
        """What is run."""
        return self._world

    @property
    def rtt(self) -> RttTable:
        """The RTTs as they are now."""
        return self._table

    def now_s(self) -> float:
        """Return virtual time: seconds since the first call."""
        loop_s = asyncio.get_running_loop().time()
        if self._started_s is None:
            self._started_s = loop_s
        self._reached_s = max(self._reached_s, (loop_s - self._started_s) * self._speed)
        return self._reached_s

    async def live(self) -> None:
        """Submit the manifests, then let time pass until cancelled.

        Raises
        ------
        InputError
            If the cluster refuses a manifest of the start.
        """
        self._submit()
        while True:
            due_s = self._pass(self.now_s())
            await self._sleep_until(due_s)

    def execute(self, command: Command) -> None:
        """Give the cluster a command now.

        Raises
        ------
        Refused
            If the cluster refuses it.
        """
        now_s = self.now_s()
        try:
            self._publish(self.cluster.apply(command, now_s), now_s)
        except Refused:
            self._publish(self.cluster.advance(now_s), now_s)
            raise
        finally:
            self._wake.set()

    def facts(self) -> Facts:
        """Return where the cluster stands; nothing is quiet before the manifests are submitted."""
        settles_after_s = self._world.settles_after_s if self._is_submitted else float("inf")
        return facts_of(self.cluster, now_s=self.now_s(), settles_after_s=settles_after_s)

    async def events(self) -> AsyncIterator[ClusterEvent]:
        """List everything, say `Listed`, then follow changes until cancelled."""
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        # Listing and subscribing are one step without an await: no change falls between them.
        for kind in _WATCHED:
            for obj in self.cluster.all_of(kind):
                self._offer([queue], Change("ADDED", obj))
        queue.put_nowait(Listed())
        self._watchers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.remove(queue)

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
        if note.is_condition and self._is_waiting(key, pod.uid):
            condition = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": note.message,
            }
            commands.append(SetCondition(key, condition))
        for command in commands:
            try:
                self.execute(command)
            except Refused as refusal:
                text = f"note about {pod.display_name} refused: {refusal}"
                self.happenings.say(self.now_s(), text)

    async def tables(self) -> AsyncIterator[RttTable]:
        """Yield the RTTs as they are, then newer tables; who is slow misses what is replaced."""
        while True:
            changed = self._table_changed
            yield self._table
            await changed.wait()

    def _submit(self) -> None:
        if self._is_submitted:
            return
        now_s = self.now_s()
        self._world.submit(now_s)
        self._is_submitted = True
        self._publish(self.cluster.advance(now_s), now_s)
        count = len(self._world.manifests)
        self.happenings.say(now_s, f"{count} manifest{'s' if count != 1 else ''} submitted")

    def _is_waiting(self, key: ObjectKey, uid: str) -> bool:
        obj = self.cluster.get(key)
        return obj is not None and uid_of(obj) == uid and not obj["spec"].get("nodeName")

    def _pass(self, now_s: float) -> float | None:
        """Do all that is due, in the order of its time; return when the next thing is due."""
        while self._moments and self._moments[0].at_s <= now_s:
            moment = self._moments.pop(0)
            self._publish(self.cluster.advance(max(moment.at_s, self.cluster.now_s)), moment.at_s)
            self.happenings.say(moment.at_s, moment.text)
            for command in moment.commands:
                self._try(command, moment.at_s)
        self._publish(self.cluster.advance(now_s), now_s)
        self._drift(now_s)
        times = [self.cluster.next_due_s(), self._table_until_s]
        times += [moment.at_s for moment in self._moments[:1]]
        return min((t for t in times if t is not None), default=None)

    def _try(self, command: Command, at_s: float) -> None:
        at_s = max(at_s, self.cluster.now_s)
        try:
            self._publish(self.cluster.apply(command, at_s), at_s)
        except Refused as refusal:
            self._publish(self.cluster.advance(at_s), at_s)
            self.happenings.say(at_s, f"refused: {refusal}")

    def _drift(self, now_s: float) -> None:
        if self._table_until_s is None or now_s < self._table_until_s:
            return
        network = self._world.network
        before = network.period(self._table_until_s - 1e-6)
        self._table = network.table(now_s)
        self._table_until_s = network.next_change_s(now_s)
        network.forget_ended(now_s)
        self.drifts += 1
        if network.period(now_s) != before:
            self.happenings.say(now_s, f"RTTs drift, period {network.period(now_s)}")
        changed, self._table_changed = self._table_changed, asyncio.Event()
        changed.set()

    async def _sleep_until(self, due_s: float | None) -> None:
        self._wake.clear()
        if due_s is None:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, due_s - self.now_s()) / self._speed):
                await self._wake.wait()
        except TimeoutError:
            # A timer may fire a hair early: what it was set for counts as reached.
            self._reached_s = max(self._reached_s, due_s)

    def _publish(self, changes: Sequence[Change], now_s: float) -> None:
        for line in self._narrator.tell(changes):
            self.happenings.say(now_s, line)
        for change in changes:
            self._offer(self._watchers, change)

    def _offer(self, watchers: Sequence[asyncio.Queue[ClusterEvent]], change: Change) -> None:
        if not watchers:
            return
        try:
            event = translated(change)
        except InputError as error:
            self.happenings.say(self.cluster.now_s, f"cannot be read: {error}")
            return
        if event is not None:
            for queue in watchers:
                queue.put_nowait(event)
