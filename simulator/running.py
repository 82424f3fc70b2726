"""A world while it runs: time passes, the scenario's moments come, RTTs drift.

Every door stands on one: `simulator.inprocess` and `simulator.rest`. The clock is the event loop's,
so that a loop of virtual time runs hours in no time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

from simulator.change import Change, JsonObject, Refused
from simulator.cluster import EmbeddedCluster
from simulator.command import Command
from simulator.facts import Facts, facts_of
from simulator.happenings import Happenings
from simulator.narrator import Narrator
from simulator.world import World
from telemetry.model import RttTable


class RunningWorld:
    """A running world; `live` lets time pass, and must run for anything to happen.

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
        self._followers: list[Callable[[Change], None]] = []
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

    def time(self) -> datetime:
        """Return what the cluster's time stamps say now."""
        return self.cluster.epoch + timedelta(seconds=self.now_s())

    async def live(self) -> None:
        """Submit the manifests, then let time pass until cancelled.

        Raises
        ------
        InputError
            If the cluster refuses a manifest of the start.
        """
        self.submit()
        while True:
            due_s = self._pass(self.now_s())
            await self._sleep_until(due_s)

    def execute(self, command: Command) -> JsonObject | None:
        """Give the cluster a command now; return the object it wrote, if it wrote one.

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
        return self.cluster.written

    def facts(self) -> Facts:
        """Return where the cluster stands; nothing is quiet before the manifests are submitted."""
        settles_after_s = self._world.settles_after_s if self._is_submitted else float("inf")
        return facts_of(self.cluster, now_s=self.now_s(), settles_after_s=settles_after_s)

    def submit(self) -> None:
        """Submit the manifests of the start, once.

        Raises
        ------
        InputError
            If the cluster refuses one.
        """
        if self._is_submitted:
            return
        now_s = self.now_s()
        changes = self._world.submit(now_s)
        self._is_submitted = True
        self._publish(changes, now_s)
        count = len(self._world.manifests)
        self.happenings.say(now_s, f"{count} manifest{'s' if count != 1 else ''} submitted")

    def follow(self, follower: Callable[[Change], None]) -> Callable[[], None]:
        """Have every change told from now on; return what ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    async def drifted(self, known: int) -> None:
        """Wait until `drifts` is not `known` any more."""
        while self.drifts == known:
            await self._table_changed.wait()

    async def tables(self) -> AsyncIterator[RttTable]:
        """Yield the RTTs as they are, then newer tables; who is slow misses what is replaced."""
        while True:
            changed = self._table_changed
            yield self._table
            await changed.wait()

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
            for follower in self._followers:
                follower(change)
