"""Keeps placeholders on nodes with a reserve, and has them give way to our own pods.

Another scheduler counts them as pods and leaves their room alone. Ours does not count them, so its
bindings go where they stand; they are deleted, and seen to be gone, before such a binding is sent:
a kubelet takes pods in the order of its watch, and refuses what does not fit beside those it has.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from structlog.typing import FilteringBoundLogger

from scheduler.domain.errors import BindRefused, ClusterUnavailable, PlaceholderRefused
from scheduler.domain.placeholder import Placeholder, placeholder_name
from scheduler.domain.ports import Cluster, PodNote
from scheduler.domain.resources import PODS, Resources, resources, total
from scheduler.domain.workload import Pod, PodClass
from scheduler.reliability.cover.placeholders import wanted_placeholders
from scheduler.reliability.health import is_dead
from scheduler.service.looking import Looking
from scheduler.service.notes import NoteWriter
from scheduler.service.placeholder_book import Holding
from scheduler.service.placeholder_steps import Step, is_right, steps
from scheduler.service.put_off import PutOff
from scheduler.service.state import Runner, ServiceState

LOOK_S = 0.25
IN_FLIGHT = 8
"""Nodes that are written to at a time."""

GONE_S = 5.0
"""Longest wait for the watch to tell of what was answered; it takes ten milliseconds."""

LOST_REASON = "PlaceholderLost"

_REST = 5.0
"""Time between two looks, as a multiple of what the earlier one took; no look without a change."""


class PlaceholderKeeper:
    """One placeholder a node with a reserve, if they are enabled; else none is left."""

    def __init__(
        self,
        state: ServiceState,
        runner: Runner,
        cluster: Cluster,
        notes: NoteWriter,
        log: FilteringBoundLogger,
    ) -> None:
        self._state, self._runner, self._cluster = state, runner, cluster
        self._notes, self._log = notes, log
        self._settings = state.settings.cover.placeholders
        self._book = state.cache.placeholders
        self._locks: dict[str, asyncio.Lock] = {}
        self._news, self._heard = asyncio.Event(), -1
        self._seen: object = None
        self._again_s = math.inf
        self._put_off = PutOff()
        self._cleared: asyncio.Queue[tuple[str, Mapping[str, int]]] = asyncio.Queue()
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, _REST)
        async with asyncio.TaskGroup() as group:
            failed = "placeholders.look_failed"
            group.create_task(looking.run(self._may_look, self._log, failed))
            group.create_task(self._refill())

    def hear(self) -> None:
        """Take note that the cache took something in."""
        if self._book.version != self._heard:
            self._heard = self._book.version
            self._news.set()
            self._news = asyncio.Event()
        lost, self._book.lost = self._book.lost, []
        if self.is_leading:  # who stands by leaves it to the leader
            self._tell_lost(lost, self._state.clock.now_s())

    async def give_way(self, pod: Pod, node: str) -> None:
        """Return when no placeholder takes room that an assumed pod needs on its node.

        Raises
        ------
        BindRefused
            If one does not go: the pod must not be bound.
        """
        if not self._is_in_the_way(pod, node):
            return
        try:
            async with self._locks.setdefault(node, asyncio.Lock()):
                if self._is_in_the_way(pod, node):
                    held = dict(self._held(node))
                    await self._clear(node)
                    self._cleared.put_nowait((node, _without(held, pod.pod_class.requests)))
        except (PlaceholderRefused, ClusterUnavailable) as error:
            said = f"the placeholder there does not go: {error}"
            raise BindRefused(pod.key, node, said) from None

    # Looking

    def _may_look(self) -> bool:
        return self._state.cache.is_synced and self.is_leading

    async def _look(self) -> float:
        """Look once, if anything changed or is due; return how long deciding took, seconds."""
        state, started_s = self._state, self._state.clock.now_s()
        version = state.cache.version, state.cache.pods.backup_changes, self._book.version
        if version == self._seen and started_s < self._again_s:
            return 0.0
        wanted: Mapping[str, Resources] = {}
        if self._settings.enabled:
            snapshot = state.cache.freeze((), state.clock.wall_s())
            wanted = await self._runner(
                partial(wanted_placeholders, snapshot, state.settings.cover)
            )
        took_s = state.clock.now_s() - started_s
        self._seen, self._again_s = version, math.inf
        limit = asyncio.Semaphore(IN_FLIGHT)
        todo = steps(wanted, self._book.known().values())
        await asyncio.gather(*(self._attempt(step, limit) for step in todo))
        self._count(wanted)
        return took_s

    def _count(self, wanted: Mapping[str, Resources]) -> None:
        known = self._book.known().values()
        standing = sum(is_right(one, wanted) for one in known)
        self._state.metrics.placeholders.labels("standing").set(standing)
        self._state.metrics.placeholders.labels("missing").set(len(wanted) - standing)

    def _tell_lost(self, lost: Iterable[Holding], now_s: float) -> None:
        """Say which were taken from us, and give whom it was for the time to come."""
        for one in lost:
            node = self._state.cache.node(one.node)
            if not self._settings.enabled or node is None or is_dead(node):
                continue  # all of a node's pods go with it
            self._put_off.add(one.node, now_s)
            why = "refused" if one.is_over else "removed"
            said = f"the reserve of {one.node} is not held: its placeholder was removed by another"
            if one.is_over:
                reason = one.reason or "it ended"
                said = f"the reserve of {one.node} is not held: the kubelet says {reason}"
            self._state.metrics.placeholders_lost.labels(why).inc()
            self._log.warning("placeholder.lost", node=one.node, why=why)
            at_s = self._state.clock.wall_s()
            self._state.journal.add(at_s, "warning", said)
            self._notes.put(PodNote(one.pod, "Warning", LOST_REASON, said, at_s=at_s))

    # Writing

    async def _refill(self) -> None:
        """Hold at once what is left where one gave way: the next look may be too late for it."""
        limit = asyncio.Semaphore(1)
        while True:
            node, left = await self._cleared.get()
            room = self._state.cache.room(node) or {}
            fits = {name: min(amount, room.get(name, 0)) for name, amount in left.items()}
            requests = resources({name: amount for name, amount in fits.items() if amount > 0})
            if not (requests and self._may_look() and self._settings.enabled):
                continue
            try:
                await self._attempt(Step(node, (), requests), limit)
            except Exception:  # noqa: BLE001 - a bug here must not end the service
                self._log.exception("placeholders.refill_failed")

    async def _attempt(self, step: Step, limit: asyncio.Semaphore) -> None:
        """Carry a step out; what the cluster does not take is tried again later."""
        now_s, until_s = self._state.clock.now_s(), self._put_off.until_s(step.node)
        if now_s < until_s:
            self._again_s = min(self._again_s, until_s)
            return
        try:
            async with limit, self._locks.setdefault(step.node, asyncio.Lock()):
                for one in step.surplus:
                    await self._remove(one)
                if step.requests:
                    await self._create(step.node, step.requests)
        except (PlaceholderRefused, ClusterUnavailable) as error:
            self._put_off.add(step.node, now_s)
            self._again_s = min(self._again_s, self._put_off.until_s(step.node))
            self._log.warning("placeholder.unwritten", node=step.node, why=str(error))

    async def _create(self, node: str, requests: Resources) -> None:
        """Create one, unless there is one, or a pod took its room meanwhile."""
        if self._book.on(node):
            return
        room = self._state.cache.room(node)
        needed = {**dict(requests), PODS: 1}
        if room is None or any(room.get(name, 0) < amount for name, amount in needed.items()):
            return
        made = Placeholder(
            self._settings.namespace,
            placeholder_name(node),
            node,
            requests,
            self._settings.image,
            self._settings.priority_class_name,
            self._state.settings.scheduler_name,
        )
        # From here on a binding there waits for it. Where there is no answer, it may still come.
        self._book.expect(node, made.name, requests)
        try:
            await self._cluster.create_placeholder(made)
        except PlaceholderRefused:
            self._book.expect_no_more(node)
            raise
        await self._until(lambda: self._book.coming(node) is None)

    async def _clear(self, node: str) -> None:
        """Remove all from a node, the one that is expected too."""
        for one in self._book.on(node):
            await self._remove(one)
        coming = self._book.coming(node)
        if coming is not None:
            await self._cluster.delete_placeholder(
                Pod(coming[0], PodClass(namespace=self._settings.namespace))
            )
            self._book.expect_no_more(node)

    async def _remove(self, one: Holding) -> None:
        """Delete one, and return when the watch has told that it is gone.

        Raises
        ------
        PlaceholderRefused, ClusterUnavailable
            If it does not go.
        """
        uid, key = one.pod.uid, one.pod.key
        self._book.leaving.add(uid)
        try:
            await self._cluster.delete_placeholder(one.pod)
        except PlaceholderRefused:
            self._book.leaving.discard(uid)
            raise
        if not await self._until(lambda: self._book.uid_of(key) != uid):
            raise PlaceholderRefused(f"{key} is still there after {GONE_S:g} s")

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Wait until the watch has told so; return whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_S):
                while not holds():
                    await self._news.wait()
        return holds()

    def _held(self, node: str) -> Mapping[str, int]:
        """Return what placeholders hold on a node, or may, pod slots included."""
        held = [{PODS: 1, **dict(one.requests)} for one in self._book.on(node)]
        coming = self._book.coming(node)
        held += [{PODS: 1, **dict(coming[1])}] if coming is not None else []
        return total(held)

    def _is_in_the_way(self, pod: Pod, node: str) -> bool:
        """Whether a node's placeholder leaves too little of what a pod assumed there takes."""
        taken, room = self._held(node), self._state.cache.room(node)
        if not taken or room is None:
            return False
        needed = {PODS, *(name for name, amount in pod.pod_class.requests if amount)}
        return any(taken.get(name, 0) > room.get(name, 0) for name in needed)


def _without(held: Mapping[str, int], requests: Resources) -> Mapping[str, int]:
    """Return what is left of some room without what a pod takes; pod slots cannot be held."""
    taken = dict(requests)
    return {name: amount - taken.get(name, 0) for name, amount in held.items() if name != PODS}
