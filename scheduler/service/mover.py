"""Moves pods that run: away from where their budgets are broken, and home when their node is back.

A place is kept for the successor before its pod is evicted; the scheduling cycle gives it to the
pod that the controller makes. Nothing is moved that the cluster's disruption budgets protect.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cover import HOME_ANNOTATION, MOVED_ANNOTATION
from scheduler.domain.errors import ClusterUnavailable, EvictionRefused
from scheduler.domain.ports import Cluster, PodNote
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Labels, Pod
from scheduler.reliability.budgets import Break, BrokenBudget, broken_budgets
from scheduler.reliability.health import is_dead
from scheduler.reliability.repair.drift import repairs
from scheduler.reliability.repair.evening import evened
from scheduler.reliability.repair.homing import homecomings
from scheduler.reliability.repair.moves import Limits, Move, Moves, Stuck, Why
from scheduler.reliability.repair.scene import Rules, Scene
from scheduler.reliability.repair.trail import HOUR_S, extended
from scheduler.service.looking import Looking
from scheduler.service.move_book import MoveBook
from scheduler.service.notes import NoteWriter
from scheduler.service.pod_columns import PodState
from scheduler.service.state import Runner, ServiceState
from scheduler.service.successors import Successors
from scheduler.service.surges import Surges

LOOK_S = 2.0
_REST = 10.0
"""The rest between two looks as a multiple of what a look takes."""

EVEN_S = 60.0
"""Between two pods that are moved to even out load."""

MOVING_REASON = "Moving"
PROPOSED_REASON = "MoveProposed"
STUCK_REASON = "CannotMove"

_Key = tuple[str, str, str]


class Mover:
    """Looks again and again whether anything is to be moved."""

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
        self._settings = state.settings.repair
        self._book = MoveBook(state.settings.repair)
        self._evened_s = float("-inf")
        self._broken_since_s: dict[_Key, float] = {}
        self._alive_since_s: dict[str, float] = {}
        self._surges = Surges(state, cluster, state.settings.repair.surge_seconds, log)
        self._successors = Successors(state)
        self._stuck: frozenset[str] = frozenset()
        self._proposed: dict[str, str] = {}
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, _REST)
        await looking.run(self._may_look, self._log, "moves.look_failed")

    def _may_look(self) -> bool:
        """Whether anything may be moved: not while it may be we who are cut off."""
        state = self._state
        return state.cache.is_synced and self.is_leading and not state.beliefs.is_suspect

    async def _look(self) -> float:
        """Look once; return how long working it out took, seconds."""
        state = self._state
        started_s = state.clock.now_s()
        state.cache.kept.look()
        self._free_places(started_s)
        self._successors.look()
        await self._look_at_surges(started_s)
        homes = self._homes(started_s) if self._settings.come_home else frozenset()
        is_even = self._settings.even_share == 0 or started_s - self._evened_s < EVEN_S
        if state.broken == () and not homes and is_even:
            self._tell_stuck(())
            return 0.0
        snapshot = state.cache.freeze((), state.clock.wall_s())
        believed = state.broken
        if believed is None:
            found = await self._runner(partial(broken_budgets, snapshot))
            believed = self._lasting(found, started_s)
        self._book.saw_broken(believed, started_s)
        self._book.read(snapshot.placed.pods, started_s, state.clock.wall_s())
        going = self._going()
        untrusted = state.beliefs.dead | state.beliefs.held_down
        limits = self._book.limits(
            going, untrusted, started_s, state.settings.scheduler_name, self._successors.resting()
        )
        work = partial(self._worked_out, snapshot, believed, homes, limits)
        found_moves = await self._runner(work)
        if not (is_even or found_moves.moves or going):
            self._evened_s = started_s
            even = partial(evened, self._scene(snapshot), limits, self._settings.even_share)
            found_moves = Moves((await self._runner(even)).moves, found_moves.stuck)
        took_s = state.clock.now_s() - started_s
        self._tell_stuck(found_moves.stuck)
        await self._carry_out(found_moves.moves)
        return took_s

    def _going(self) -> list[Pod]:
        """Return the pods that leave, and those whose successors are not ready yet."""
        going = [lost.pod for lost in self._state.cache.kept.moving.pods()]
        going += self._surges.pods() + self._successors.pods()
        return list({pod.uid: pod for pod in going}.values())

    async def _look_at_surges(self, now_s: float) -> None:
        """Have pods leave whose successors are ready; those without one in time stay."""
        for pod in await self._surges.look(is_used=self._settings.surge):
            self._state.cache.kept.moving.forget(pod.uid)
            self._book.refused(pod, "its successor was not ready in time", now_s)
            record = self._state.cache.pods.get(pod.key)
            node = record.node if record is not None else ""
            self._tell_one(Stuck(pod, node, "its successor was not ready in time"))

    def _free_places(self, now_s: float) -> None:
        """Try those again that may have been refused for places that are kept no more."""
        state = self._state
        if given_up := state.cache.kept.given_up():
            state.queue.wake(given_up, now_s)
            state.changed.set()

    def _worked_out(
        self,
        snapshot: ClusterSnapshot,
        believed: Sequence[BrokenBudget],
        homes: frozenset[str],
        limits: Limits,
    ) -> Moves:
        scene = self._scene(snapshot)
        if believed:
            found = repairs(scene, believed, limits, self._stuck)
            if found.moves or not homes:
                return found
            home = homecomings(scene, homes, limits)
            return Moves(home.moves, (*found.stuck, *home.stuck))
        return homecomings(scene, homes, limits)

    def _scene(self, snapshot: ClusterSnapshot) -> Scene:
        settings = self._state.settings
        return Scene(snapshot, Rules(settings.placement, settings.cover))

    def _lasting(self, found: Sequence[BrokenBudget], now_s: float) -> tuple[BrokenBudget, ...]:
        """Return the budgets that have been broken at each look for long enough."""
        keys = {_key(one): one for one in found if one.kind is not Break.NOT_MEASURED}
        since = {key: self._broken_since_s.get(key, now_s) for key in keys}
        self._broken_since_s = since
        after_s = self._settings.after_seconds
        return tuple(one for key, one in keys.items() if now_s - since[key] >= after_s)

    def _homes(self, now_s: float) -> frozenset[str]:
        """Return the nodes that have lived for long enough to come home to."""
        alive = {n.name for n in self._state.cache.nodes if not is_dead(n)}
        alive -= self._state.beliefs.held_down
        since = {name: self._alive_since_s.get(name, now_s) for name in alive}
        self._alive_since_s = since
        after_s = self._settings.home_after_seconds
        records = self._state.cache.pods.records.values()
        wanted = {r.pod.home for r in records if r.pod.home and r.node not in ("", r.pod.home)}
        return frozenset(n for n in wanted if n in since and now_s - since[n] >= after_s)

    async def _carry_out(self, moves: Sequence[Move]) -> None:
        if self._settings.mode == "dryRun":
            self._propose(moves)
            return
        await asyncio.gather(*(self._move(move) for move in moves))

    async def _move(self, move: Move) -> None:
        """Keep a place for a pod's successor, and have the pod leave."""
        state, pod = self._state, move.pod
        record = state.cache.pods.get(pod.key)
        if (
            not self._may_look()
            or record is None
            or (record.pod.uid, record.node, record.state) != (pod.uid, move.node, PodState.BOUND)
            or record.is_terminating
        ):
            return  # it is not as it was when this was worked out
        now_s, wall_s = state.clock.now_s(), state.clock.wall_s()
        marks = _marks(move, wall_s, self._settings.bad_place_seconds)
        state.cache.kept.moving.add(pod, "", move.target, marks)
        try:
            if not (self._settings.surge and await self._surges.begin(pod)):
                await self._cluster.evict(pod)
        except EvictionRefused as error:
            self._refused(move, error)
            return
        except ClusterUnavailable as error:
            # It may be on its way out all the same: its place stays kept for a while.
            self._count(move, "unanswered")
            self._log.warning("move.unanswered", pod=pod.key, error=str(error))
        else:
            self._count(move, "evicted")
        is_bad = move.why in (Why.BUDGET, Why.REFERENCE)
        self._successors.await_one(pod)
        self._book.moved(pod, move.node if is_bad else "", now_s, wall_s)
        said = f"is made to leave {move.node} for {move.target}: {move.said}"
        self._log.info("pod.moving", pod=pod.key, node=move.node, target=move.target, why=move.said)
        state.journal.add(wall_s, "moved", f"{pod.key} {said}")
        self._notes.put(PodNote(pod, "Normal", MOVING_REASON, said, at_s=wall_s))

    def _refused(self, move: Move, error: EvictionRefused) -> None:
        state, now_s = self._state, self._state.clock.now_s()
        state.cache.kept.moving.forget(move.pod.uid)
        self._free_places(now_s)
        wait_s = self._book.refused(move.pod, error.reason, now_s, error.retry_s)
        self._count(move, "refused")
        why = f"its eviction is refused, and tried again in {wait_s:.0f} s: {error.reason}"
        self._tell_one(Stuck(move.pod, move.node, why))

    def _propose(self, moves: Sequence[Move]) -> None:
        """Say what would be moved, once."""
        wall_s = self._state.clock.wall_s()
        before, self._proposed = self._proposed, {m.pod.uid: m.target for m in moves}
        for move in moves:
            if before.get(move.pod.uid) == move.target:
                continue
            self._count(move, "proposed")
            said = f"would be moved from {move.node} to {move.target}: {move.said}"
            self._log.info("move.proposed", pod=move.pod.key, target=move.target, why=move.said)
            self._state.journal.add(wall_s, "moved", f"{move.pod.key} {said}")
            self._notes.put(PodNote(move.pod, "Normal", PROPOSED_REASON, said, at_s=wall_s))

    def _tell_stuck(self, stuck: Sequence[Stuck]) -> None:
        """Say which pods should be moved and cannot be: once, for the distances in it change."""
        before, self._stuck = self._stuck, frozenset(one.pod.uid for one in stuck)
        for one in stuck:
            if one.pod.uid not in before:
                self._tell_one(one)
        self._state.metrics.moves_stuck.set(len(stuck))

    def _tell_one(self, one: Stuck) -> None:
        wall_s = self._state.clock.wall_s()
        self._log.warning("move.stuck", pod=one.pod.key, node=one.node, why=one.why)
        said = f"should be moved from {one.node} and cannot be: {one.why}"
        self._state.journal.add(wall_s, "warning", f"{one.pod.key} {said}")
        self._notes.put(PodNote(one.pod, "Warning", STUCK_REASON, said, at_s=wall_s))

    def _count(self, move: Move, result: str) -> None:
        self._state.metrics.moves.labels(move.why.value, result).inc()


def _marks(move: Move, wall_s: float, kept_s: float) -> Labels:
    """Return what a pod's successor is to carry: where it was bad, and where home is."""
    pod = move.pod
    trail = pod.moved_from
    if move.why in (Why.BUDGET, Why.REFERENCE):
        trail = extended(trail, move.node, wall_s, max(HOUR_S, kept_s))
    # Who is at home then needs to be told nothing of it; who lands elsewhere after all does.
    marks = ((MOVED_ANNOTATION, trail), (HOME_ANNOTATION, pod.home))
    return tuple((key, value) for key, value in marks if value)


def _key(budget: BrokenBudget) -> _Key:
    return budget.pod.uid, budget.node, str(budget.constraint)
