"""Pods that refer to pods, bound each after its references are, and where they hold."""

from collections.abc import Callable, Iterable, Sequence

from structlog.typing import FilteringBoundLogger

from scheduler.domain.plan import Assignment
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.service.hands import Hands
from scheduler.service.standing import (
    references_of,
    referred_to,
    standing,
    standing_together,
)
from scheduler.service.state import ServiceState
from scheduler.service.wake import Wake

Freeze = Callable[[Sequence[Pod]], ClusterSnapshot]


class Dependants:
    """Carries out what rests on the places of other pods.

    `freeze` returns a snapshot as of now in which some pods are pending.
    """

    def __init__(
        self, state: ServiceState, hands: Hands, freeze: Freeze, log: FilteringBoundLogger
    ) -> None:
        self._state = state
        self._hands = hands
        self._freeze = freeze
        self._log = log

    async def carry_out(
        self,
        waiting: list[Assignment],
        placed: Sequence[Assignment],
        assume: Callable[[Assignment], None],
    ) -> set[str]:
        """Have pods assumed, each after its references are bound, where they hold.

        Returns
        -------
        set of str
            Keys of pods that wait in flight, for references whose volumes are being bound.
        """
        held: set[str] = set()
        settings = self._state.settings.placement
        while waiting:
            # A refused binding, or what happened meanwhile, may have left a reference elsewhere.
            await self._settle(waiting, placed)
            following = self._follow(waiting)
            held |= following
            self._renounce(a for a in waiting if a.pod.key in following)
            waiting = [a for a in waiting if a.pod.key not in following]
            now = self._freeze([a.pod for a in waiting])
            good = standing(waiting, now, settings)
            if not good:
                # Nothing more comes to stand: what is left refers to each other, or is outdated.
                good = standing_together(waiting, now, settings)
                for outdated in (a for a in waiting if a.pod.key not in good):
                    self._log.info("plan.outdated", pod=outdated.pod.key, node=outdated.node)
                    self._state.queue.retry(outdated.pod, self._state.clock.now_s())
                self._renounce(a for a in waiting if a.pod.key not in good)
                waiting = [a for a in waiting if a.pod.key in good]
            for assignment in waiting:
                if assignment.pod.key in good:
                    assume(assignment)
                    # Till now the decision alone counted on its room; events were judged without.
                    self._wake(self._state.cache.renewed_room(assignment.node))
            waiting = [a for a in waiting if a.pod.key not in good]
        return held

    def _renounce(self, assignments: Iterable[Assignment]) -> None:
        """Let those know that were refused because of what now comes to nothing."""
        for assignment in assignments:
            self._wake(self._state.cache.pods.renounce(assignment.pod, assignment.node))

    def _wake(self, events: list[Wake]) -> None:
        self._state.queue.wake(events, self._state.clock.now_s())

    async def _settle(self, waiting: Sequence[Assignment], placed: Sequence[Assignment]) -> None:
        """Wait for what is under way with the references, but for their volumes."""
        if self._hands.verifier is not None:
            now = self._freeze([a.pod for a in waiting])
            pods = [a.pod for a in placed]
            await self._hands.verifier.drain(referred_to(waiting, pods, now))
        await self._hands.binder.drain()

    def _follow(self, waiting: Sequence[Assignment]) -> set[str]:
        """Put off pods that hold only by references whose volumes are still being bound.

        That may take minutes and may fail: nobody else can wait for it, and nobody may rely on it.
        """
        volumes, cache = self._hands.volumes, self._state.cache
        records = (cache.pods.get(key) for key in volumes.waiting)
        uncertain = [record.pod for record in records if record is not None]
        if not uncertain:
            return set()
        found = references_of(waiting, uncertain, self._freeze([a.pod for a in waiting]))
        concerned = [a for a in waiting if a.pod.key in found]
        with cache.pods.without(uncertain):
            certain = self._freeze([a.pod for a in concerned])
        sure = standing(concerned, certain, self._state.settings.placement)
        put_off = [a.pod for a in concerned if a.pod.key not in sure]
        for pod in put_off:
            volumes.follow(pod, min(found[pod.key]))
        return {pod.key for pod in put_off}
