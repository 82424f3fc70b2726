"""Keeps in view which budgets hold, by fresh measurements, and says what to measure.

A budget that seems broken is measured again at once, and believed to be broken only when the next
bursts say the same. What is believed is told: to the pages, as an event on the pod, as a metric.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Interest, PodNote, Prober
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.budgets import BrokenBudget, asked, broken_budgets, in_words
from scheduler.reliability.confirmed import Confirmations, Judged, Pair, judged
from scheduler.reliability.interest import interest
from scheduler.service.first_probes import FirstProbes
from scheduler.service.looking import Looking
from scheduler.service.notes import NoteWriter
from scheduler.service.state import Runner, ServiceState
from telemetry.estimate import RobustFactors

LOOK_S = 2.0
"""Between two looks: three confirmations then take six seconds."""

_REST = 10.0
"""… and as a multiple of what a look takes: half a second of a thread with 50,000 pods."""

PROBES_AT_ONCE = 64
"""References whose suspects are measured again at a time."""

_AT_ONCE = 1_000
"""Budgets, some milliseconds; then whatever else the loop has to do comes first."""

_TOLD_AT_ONCE = 50
"""… where each takes a line of the log and an event."""

BROKEN_REASON = "DelayExceeded"
RESTORED_REASON = "DelayRestored"

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Look:
    broken: tuple[BrokenBudget, ...]
    interest: Interest


class BudgetWatch:
    """Looks again and again while the cluster is known."""

    def __init__(
        self,
        state: ServiceState,
        prober: Prober,
        runner: Runner,
        notes: NoteWriter,
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._prober = prober
        self._runner = runner
        self._notes = notes
        self._log = log
        self._told: dict[_Key, BrokenBudget] = {}
        self._first_probes = FirstProbes(RobustFactors())
        self.asked: Callable[[], Mapping[str, frozenset[str]]] = dict
        """What agents are asked beside, by node: that is remembered too."""
        self._measured_last = ""
        self.is_leading = False

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, _REST)
        await looking.run(lambda: self._state.cache.is_synced, self._log, "budgets.look_failed")

    async def _look(self) -> float:
        """Look once; return how long working it out took, seconds."""
        state = self._state
        # Pods in flight count too: one of them may wait for its reference to be measured.
        waiting = [*state.intake.held(), *(queued.pod for queued in state.queue.in_flight())]
        snapshot = state.cache.freeze((), state.clock.wall_s(), waiting)
        now_s = state.clock.now_s()
        look = await self._runner(lambda: self._looked(snapshot, now_s))
        took_s = state.clock.now_s() - now_s
        self._prober.focus(look.interest)
        found = await self._judged(look.broken)
        believed = len(found.believed)
        state.broken = found.believed
        state.metrics.budgets_broken.labels("confirmed").set(believed)
        state.metrics.budgets_broken.labels("suspected").set(len(look.broken) - believed)
        await self._tell(found.believed)
        await self._measure(found.suspects)
        return took_s

    def _looked(self, snapshot: ClusterSnapshot, now_s: float) -> _Look:
        wanted = interest(snapshot)
        near = {name: set(nodes) for name, nodes in wanted.near.items()}
        alive = wanted.references - wanted.dead
        for name, nodes in self._first_probes.near(snapshot, alive, now_s).items():
            near.setdefault(name, set()).update(nodes)
        for name, nodes in self.asked().items():
            near.setdefault(name, set()).update(nodes)
        wanted = replace(wanted, near={name: frozenset(nodes) for name, nodes in near.items()})
        return _Look(broken_budgets(snapshot), wanted)

    async def _judged(self, broken: Sequence[BrokenBudget]) -> Judged:
        """Return what is believed and what is suspected, in slices that let others run."""
        confirmations = Confirmations(self._prober, self._state.settings.telemetry.confirmations)
        believed: list[BrokenBudget] = []
        suspects: dict[Pair, None] = {}
        async for some in _sliced(broken, _AT_ONCE):
            part = judged(some, confirmations)
            believed += part.believed
            suspects.update(dict.fromkeys(part.suspects))
        return Judged(tuple(believed), tuple(suspects))

    async def _measure(self, pairs: Iterable[Pair]) -> None:
        """Have suspected pairs measured again, of as many references as at once; in turn."""
        nodes_of: dict[str, list[str]] = {}
        for reference, node in pairs:
            if reference and reference != node:
                nodes_of.setdefault(reference, []).append(node)
        names = sorted(nodes_of)
        after = bisect_right(names, self._measured_last)
        chosen: list[tuple[str, tuple[str, ...]]] = []
        for name in (*names[after:], *names[:after]):
            if len(chosen) == PROBES_AT_ONCE:
                break
            if nodes := self._within_reach(name, tuple(nodes_of[name])):
                chosen.append((name, nodes))
        if chosen:
            self._measured_last = chosen[-1][0]
            await asyncio.gather(*(self._prober.probe(name, nodes) for name, nodes in chosen))

    def _within_reach(self, reference: str, nodes: tuple[str, ...]) -> tuple[str, ...]:
        """Return which of these pairs can be measured now."""
        if self._prober.can_probe(reference, nodes):
            return nodes
        return tuple(node for node in nodes if self._prober.can_probe(reference, (node,)))

    async def _tell(self, believed: Sequence[BrokenBudget]) -> None:
        """Say what is newly broken, and what holds again."""
        now: dict[_Key, BrokenBudget] = {}
        async for some in _sliced(believed, _AT_ONCE):
            now |= {_key(budget): budget for budget in some}
        if not self.is_leading:
            self._told = {}
            return
        told, self._told = self._told, now
        async for new in _sliced([now[key] for key in now if key not in told], _TOLD_AT_ONCE):
            for budget in new:
                self._tell_broken(budget)
        async for over in _sliced([told[key] for key in told if key not in now], _TOLD_AT_ONCE):
            for budget in over:
                self._tell_restored(budget)

    def _tell_broken(self, budget: BrokenBudget) -> None:
        at_s, said = self._state.clock.wall_s(), in_words(budget)
        self._log.warning("budget.broken", pod=budget.pod.key, node=budget.node, what=said)
        self._state.journal.add(at_s, "warning", f"{budget.pod.key}: {said}")
        self._notes.put(PodNote(budget.pod, "Warning", BROKEN_REASON, said, at_s=at_s))

    def _tell_restored(self, budget: BrokenBudget) -> None:
        if self._state.cache.pods.get(budget.pod.key) is None:
            return
        at_s = self._state.clock.wall_s()
        said = f"{asked(budget)} holds again, or is no longer known to be broken"
        self._log.info("budget.restored", pod=budget.pod.key, what=said)
        self._state.journal.add(at_s, "rtt", f"{budget.pod.key}: {said}")
        self._notes.put(PodNote(budget.pod, "Normal", RESTORED_REASON, said, at_s=at_s))


async def _sliced(
    budgets: Sequence[BrokenBudget], at_once: int
) -> AsyncIterator[Sequence[BrokenBudget]]:
    """Yield them in slices, and let others run after each."""
    for start in range(0, len(budgets), at_once):
        yield budgets[start : start + at_once]
        await asyncio.sleep(0)


def _key(budget: BrokenBudget) -> _Key:
    return budget.pod.uid, budget.node, str(budget.constraint)
