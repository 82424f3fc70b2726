"""All loops of the service, owned by one task group.

The watch is read by a task of its own, ahead of all other work: an API server ends a watch that is
read too slowly. Long work (decisions, clustering) runs in threads; nothing here blocks the loop.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cluster_events import ClusterEvent
from scheduler.domain.ports import Announcer, Cluster, Leadership, Prober, RttSource
from scheduler.service.agent_quorum import AgentQuorum
from scheduler.service.batch_window import longest_rest_s
from scheduler.service.belief_watch import BeliefWatch
from scheduler.service.binding import Binder
from scheduler.service.budget_watch import BudgetWatch
from scheduler.service.cover_keeper import CoverKeeper
from scheduler.service.cycle import Decider, SchedulingCycle
from scheduler.service.forced_removal import ForcedRemoval
from scheduler.service.hands import Hands
from scheduler.service.leading import LeadersCluster
from scheduler.service.mover import Mover
from scheduler.service.notes import NoteWriter
from scheduler.service.placeholders import PlaceholderKeeper
from scheduler.service.sources import Sources
from scheduler.service.state import ServiceState
from scheduler.service.verifier import Verifier
from scheduler.service.volume_binding import VolumeBinder
from scheduler.service.waiting import WaitingNotes
from scheduler.service.zoning import ZoneFunction, Zoning

_TICK_S = 0.001
_LOOK_S = 0.25
"""Between two looks at whether we lead, while we do not."""

_REST = 3.0
"""Time between two decisions, as a multiple of what the earlier one took."""

_WORD_S, _FIRST_WORDS = 0.01, 100
"""Between two looks for word of the Lease, and how many before everything is listed without."""

GRACE_S = 20.0
"""Longest wait, at the end, for bindings under way; a pod is given 30 s to stop."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the service is connected to.

    Without `rtt` it places what needs no delay; without `leadership` it always leads. A `prober`
    measures what decisions rest on. `beside` are the loops of parts that it depends on, which run
    as long as the service does. An `announcer` writes down what concerns no pod.
    """

    cluster: Cluster
    rtt: RttSource | None = None
    leadership: Leadership | None = None
    prober: Prober | None = None
    beside: tuple[Callable[[], Coroutine[None, None, None]], ...] = ()
    announcer: Announcer | None = None


class Runtime:
    """Runs the service from `run` until `stop`."""

    def __init__(
        self,
        state: ServiceState,
        outside: Outside,
        decider: Decider,
        zones: ZoneFunction | None,
        log: FilteringBoundLogger,
    ) -> None:
        self.state = state
        self._outside = outside
        self._more: list[Callable[[], Coroutine[None, None, None]]] = []
        self._leadership = outside.leadership
        cluster: Cluster = outside.cluster
        if outside.leadership is not None:
            cluster = LeadersCluster(cluster, outside.leadership)
        self._cluster = cluster
        self._zoning: Zoning | None = None
        if zones is not None and state.settings.clustering.enabled:
            self._zoning = Zoning(state, zones, decider.runner, log)
        self._log = log
        self.notes = NoteWriter(cluster, log)
        waiting = WaitingNotes(state, self.notes, log)
        self.binder = Binder(state, cluster, self.notes, waiting, log)
        self._placeholders = PlaceholderKeeper(state, decider.runner, cluster, self.notes, log)
        self.binder.give_way = self._placeholders.give_way
        self._hands = Hands(state, self.binder)
        self._hands.volumes = VolumeBinder(state, cluster, self._hands.stored, waiting, log)
        self._watch: BudgetWatch | None = None
        if outside.prober is not None:
            self._hands.verifier = Verifier(
                state, outside.prober, self._hands.verified, decider.runner, log
            )
            self._watch = BudgetWatch(state, outside.prober, decider.runner, self.notes, log)
            if state.settings.failover.agent_quorum:
                quorum = AgentQuorum(state, outside.prober, log)
                self._watch.asked = quorum.asked
                self._more.append(quorum.run)
        self._beliefs = BeliefWatch(state, outside.announcer, log)
        self._more.append(self._beliefs.run)
        self._forced: ForcedRemoval | None = None
        if state.settings.failover.force_delete != "off":
            self._forced = ForcedRemoval(state, cluster, log)
            self._more.append(self._forced.run)
        self._keeper: CoverKeeper | None = None
        if state.settings.cover.mode != "off":
            self._keeper = CoverKeeper(state, decider.runner, cluster, self.notes, log)
        self._mover: Mover | None = None
        if state.settings.repair.mode != "off":
            self._mover = Mover(state, decider.runner, cluster, self.notes, log)
            self._more.append(self._mover.run)
        self.cycle = SchedulingCycle(state, decider, self._hands, waiting, log)
        self._sources = Sources(state, cluster, self._hear, log)
        self._stopping = asyncio.Event()
        self._was_leading = False
        self._leads_from_start = asyncio.Event()
        self.is_deposed = False
        self._rests_until_s = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether the cache is complete and the service is not on its way out."""
        return self.state.cache.is_synced and not self._stopping.is_set()

    @property
    def is_leading(self) -> bool:
        """Whether decisions are made here."""
        return self._leadership is None or self._leadership.is_leading

    def stop(self) -> None:
        """Finish what is in flight and end; `run` then returns. Nothing new is sent."""
        self._stopping.set()
        self._hands.volumes.close()
        self.binder.close()
        self.state.changed.set()

    async def run(self) -> None:
        """Run until `stop`, then finish what is in flight.

        Also ends, with `is_deposed`, when leadership is lost: like every Kubernetes controller, a
        replica that led starts anew as one that stands by.
        """
        if self._outside.rtt is None:
            self._log.warning("rtt.none", effect="pods that ask for a delay wait")
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(loop) for loop in self._loops()]
            await self._schedule()
            is_finished = await self._finish()
            for loop in loops:
                loop.cancel()
        # What is under way may still be carried out: then the Lease runs out by itself, and whoever
        # leads next sees it done.
        if self._leadership is not None and is_finished:
            await self._leadership.release()

    def _loops(self) -> list[Coroutine[None, None, None]]:
        loops = [
            self._follow_cluster(),
            self._hands.volumes.run(),
            self.binder.run(),
            self.notes.run(),
            self._placeholders.run(),
        ]
        if self._outside.rtt is not None:
            renew = self._zoning.renew if self._zoning is not None else None
            loops.append(self._sources.follow_rtt(self._outside.rtt, renew))
        if self._zoning is not None:
            loops.append(self._zoning.run())
        if self._hands.verifier is not None:
            loops.append(self._hands.verifier.run())
        if self._watch is not None:
            loops.append(self._watch.run())
        if self._keeper is not None:
            loops.append(self._keeper.run())
        loops += [loop() for loop in (*self._more, *self._outside.beside)]
        if self._leadership is not None:
            loops.append(self._lead(self._leadership))
        return loops

    async def _follow_cluster(self) -> None:
        """Follow the cluster, once it is known whether we lead from the start.

        Who does needs one list: it begins after the Lease is ours, so nothing is missing of what a
        leader before us has bound. Word of a Lease that does not come is not waited for long.
        """
        if self._leadership is not None:
            await self._hear_of_lease(self._leadership)
        await self._sources.follow_cluster()

    async def _hear_of_lease(self, leadership: Leadership) -> None:
        """Wait until the Lease is ours, another is known to hold it, or too long."""
        for _ in range(_FIRST_WORDS):
            if leadership.is_held_by_another:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_WORD_S):
                    await self._leads_from_start.wait()
                    return

    async def _schedule(self) -> None:
        """Run a cycle whenever a batch is due."""
        clock = self.state.clock
        while not self._stopping.is_set():
            self.state.changed.clear()
            next_s = self._look_at_leadership()
            # A cache with holes must not be acted on, nor another's cluster; and what cannot be
            # sent yet is decided later, better, together with what arrives meanwhile.
            if self.state.cache.is_synced and self._was_leading and not self.binder.is_busy:
                next_s = await self._cycle()
            # Not less than a tick: a clock that rounds down must not be asked again and again.
            wait_s = None if next_s is None else max(_TICK_S, next_s - clock.now_s())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.state.changed.wait()

    def _look_at_leadership(self) -> float | None:
        """Take note of whether we lead; return when to look again, on the queue's clock."""
        is_leading = self.is_leading
        if is_leading and not self._was_leading:
            for note in self.state.intake.warnings():  # who stood by has told nobody
                self.notes.put(note)
        self._was_leading = self._beliefs.is_leading = is_leading
        self._placeholders.is_leading = is_leading
        if self._watch is not None:
            self._watch.is_leading = is_leading
        if self._keeper is not None:
            self._keeper.is_leading = is_leading
        if self._mover is not None:
            self._mover.is_leading = is_leading
        if self._forced is not None:
            self._forced.is_leading = is_leading
        # It comes with a renewal that nobody is told of, and may go and come again.
        return None if is_leading else self.state.clock.now_s() + _LOOK_S

    def _hear(self, event: ClusterEvent) -> None:
        """Take in what the cluster tells."""
        clock = self.state.clock
        for note in self.state.intake.apply(event, clock.now_s(), clock.wall_s()):
            if self._was_leading:
                self.notes.put(note)
        self._hands.volumes.hear(event)
        self._placeholders.hear()
        self.state.changed.set()

    async def _cycle(self) -> float | None:
        """Run a cycle if it is time; return when it may be time again, on the queue's clock."""
        now_s, queue = self.state.clock.now_s, self.state.queue
        began_s = now_s()
        if began_s < self._rests_until_s:
            return self._rests_until_s
        if await self.cycle.run():
            # Of a steady stream of pods more come together: a quarter of a processor decides well
            # enough, and the rest is left for bindings. No longer than the batch window, though.
            ended_s = now_s()
            longest_s = longest_rest_s(self.state.settings.queue)
            self._rests_until_s = ended_s + min(_REST * (ended_s - began_s), longest_s)
            return max(queue.next_s() or ended_s, self._rests_until_s) if len(queue) else None
        return queue.next_s()

    async def _lead(self, leadership: Leadership) -> None:
        """Compete for leadership; stop when it is lost."""
        await leadership.campaign(self._take_over)
        self.is_deposed = True
        self._log.error("leadership.lost", holder=leadership.holder)
        self.state.journal.add(self.state.clock.wall_s(), "error", "leadership lost: stopping")
        self.stop()

    async def _take_over(self) -> None:
        """Learn all that the leader before us has bound; then lead."""
        self._log.info("leadership.taken")
        # Where nothing was listed yet the first list begins now, and is what is waited for.
        self._leads_from_start.set()
        await self._cluster.list_anew()
        self.state.journal.add(self.state.clock.wall_s(), "cluster", "this replica leads now")
        self.state.changed.set()

    async def _finish(self) -> bool:
        """Let bindings under way be answered and their notes written; return whether all were."""
        try:
            async with asyncio.timeout(GRACE_S):
                await self._hands.volumes.drain()
                await self.binder.drain()
                await self.notes.drain()
        except TimeoutError:
            self._log.warning("stop.unfinished", grace_s=GRACE_S)
            return False
        return True
