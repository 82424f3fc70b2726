"""Keeps running pods covered: backups that are missing, or no longer valid, are chosen anew.

What changed is written on the pods, so that a restart finds it; what could not be is written later,
or worked out again.
"""

import asyncio
from functools import partial

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cover import Uncovered
from scheduler.domain.errors import BindHeldBack, ClusterUnavailable, SchedulerError
from scheduler.domain.ports import Cluster, PodNote
from scheduler.domain.workload import Pod
from scheduler.reliability.cover.renewing import Renewal, renewed
from scheduler.service.looking import Looking
from scheduler.service.notes import NoteWriter
from scheduler.service.state import Runner, ServiceState

LOOK_S = 0.25
IN_FLIGHT = 8
"""Writes under way at a time."""

_REST = 5.0
"""Time between two looks, as a multiple of what the earlier one took; no look without a change."""

LOST_REASON = "NotCovered"
FOUND_REASON = "CoveredAgain"


class CoverKeeper:
    """Looks at the cover of running pods whenever something changed."""

    def __init__(
        self,
        state: ServiceState,
        runner: Runner,
        cluster: Cluster,
        notes: NoteWriter,
        log: FilteringBoundLogger,
    ) -> None:
        self._state, self._runner, self._log = state, runner, log
        self._cluster, self._notes = cluster, notes
        self._unwritten: dict[str, tuple[Pod, str]] = {}
        self._seen: object = None
        self._bare: dict[str, Pod] = {}
        self._told: set[str] = set()
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, _REST)
        await looking.run(self._may_look, self._log, "cover.look_failed")

    def _may_look(self) -> bool:
        return self._state.cache.is_synced and self.is_leading

    async def _look(self) -> float:
        """Look once, if anything changed; return how long it took, seconds."""
        state = self._state
        if given_up := state.cache.kept.given_up():
            state.queue.wake(given_up, state.clock.now_s())
            state.changed.set()
        version = state.cache.version
        if version == self._seen:
            await self._write()
            return 0.0
        started_s = state.clock.now_s()
        snapshot = state.cache.freeze((), state.clock.wall_s())
        settings = state.settings
        bare = frozenset(self._bare)
        renew = partial(renewed, snapshot, settings.placement, settings.cover, bare)
        found = await self._runner(renew)
        self._seen = version
        self._take_over(found)
        await self._write()
        return state.clock.now_s() - started_s

    async def _write(self) -> None:
        """Write new backups on their pods, a few at a time; later, what the cluster cannot take."""
        while self._unwritten and self.is_leading:
            some = list(self._unwritten.items())[:IN_FLIGHT]
            done = await asyncio.gather(*(self._mark(*entry) for _, entry in some))
            for (key, entry), is_done in zip(some, done, strict=True):
                if is_done and self._unwritten.get(key) == entry:
                    del self._unwritten[key]
            if not all(done):
                return

    async def _mark(self, pod: Pod, backup: str) -> bool:
        record = self._state.cache.pods.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.backup != backup:
            return True  # gone, or another backup by now
        try:
            await self._cluster.mark_backup(pod, backup)
        except (ClusterUnavailable, BindHeldBack):
            return False
        except SchedulerError as error:  # the right is missing, say: the backup stands all the same
            self._log.warning("cover.unwritten", pod=pod.key, why=str(error))
        return True

    def _take_over(self, found: Renewal) -> None:
        state = self._state
        for change in found.changes:
            wakes = state.cache.pods.set_backup(change.pod, change.node, change.backup)
            state.queue.wake(wakes, state.clock.now_s())
            self._unwritten[change.pod.key] = change.pod, change.backup
        state.metrics.cover_pods.labels("covered").set(found.covered)
        state.metrics.cover_pods.labels("uncovered").set(len(found.uncovered))
        state.metrics.cover_reserved.clear()
        for resource, amount in found.reserve.items():
            state.metrics.cover_reserved.labels(resource).set(amount)
        if found.changes:
            changed, bare = len(found.changes), len(found.uncovered)
            self._log.info("cover.renewed", backups=changed, uncovered=bare)
            state.changed.set()
        self._tell(found)

    def _tell(self, found: Renewal) -> None:
        """Say which pods lost the cover they had, and which have it again."""
        lost = {change.pod.uid for change in found.changes if not change.backup}
        bare = {one.pod.key: one.pod for one in found.uncovered}
        for one in found.uncovered:
            if one.pod.uid in lost - self._told:
                self._told.add(one.pod.uid)
                self._tell_lost(one)
        for key, pod in self._bare.items():
            if key not in bare and pod.uid in self._told:
                self._told.discard(pod.uid)
                record = self._state.cache.pods.get(key)
                if record is not None and record.pod.uid == pod.uid:
                    self._tell_found(pod)
        self._bare = bare

    def _tell_lost(self, one: Uncovered) -> None:
        at_s, said = self._state.clock.wall_s(), f"has no backup any more: {one.why}"
        self._log.warning("cover.lost", pod=one.pod.key, why=one.why)
        self._state.journal.add(at_s, "warning", f"{one.pod.key} {said}")
        self._notes.put(PodNote(one.pod, "Warning", LOST_REASON, said, at_s=at_s))

    def _tell_found(self, pod: Pod) -> None:
        at_s, said = self._state.clock.wall_s(), "has a backup again"
        self._log.info("cover.found", pod=pod.key)
        self._notes.put(PodNote(pod, "Normal", FOUND_REASON, said, at_s=at_s))
