"""Search for a better arrangement: pods around a hub are taken out and put back, again and again.

Ruin and recreate (Schrimpf et al., "Record Breaking Optimization Results Using the Ruin and
Recreate Principle", Journal of Computational Physics 159, 2000) with the slack of "Slack Induction
by String Removals" (Christiaens and Vanden Berghe, Transportation Science 54, 2020): pods go back
one by one to the pair that costs least with a little noise, and the result is accepted by simulated
annealing. What is taken out lies around one hub, for reserves are shared there.
"""

import math
from collections.abc import Callable

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import CoverProblem

LEFT_OUT = 40.0
"""Price of a pod left out, in unit prices; small enough that a few may be given up for a while."""

UNCOVERED = 6.0
"""Price of a pod without the cover it wants."""

WARM, COLD = 2.0, 0.2
"""Temperatures at the start and at the end, in unit prices."""

NOISE = 0.9
"""Most that noise adds to the price of a pair: less than the smallest pod's reserve."""

AT_MISSING, AT_RESERVE = 0.5, 0.6
"""How often the hub is one that a pod without cover could use; else, one that has a reserve."""

BACKED, HOSTED = 0.4, 0.6
"""Up to which draw the pods backed up at the hub are taken out, and those hosted there; else all
that could be there."""

LARGE_FIRST, CHOOSY_FIRST = 0.4, 0.7
"""Up to which draw large pods go back first, and those of least choice; else any order."""

MEAN_RUIN = 12.0
"""Pods taken out at a time, on average."""

MOST_MISSING = 15
"""Pods without cover that are tried again at a time."""

_NOISES = 1 << 16

PER_POD = 4_000
"""Most insertions spent for each pod: in a small problem all is tried long before."""

WORK_PAIRS = 2_000
"""Pairs that are priced in the time the rest of an insertion takes."""


class Search:
    """Improves one arrangement in place.

    Parameters
    ----------
    problem, pairs, arrangement
        Where to start.
    """

    def __init__(self, problem: CoverProblem, pairs: Pairs, arrangement: Arrangement) -> None:
        self._problem, self._pairs, self._arrangement = problem, pairs, arrangement
        self._classes = problem.classes
        self._pods = list(range(len(problem.class_of)))
        self._tables = [pairs.of(pod) for pod in self._pods]
        self._choice = [len(t.hosts) * len(t.backups) for t in self._tables]
        self._size = [float(t.fixed.size) for t in self._tables]
        self._weight = [
            float(self._classes[arrangement.class_of(pod)].demand @ problem.weight)
            for pod in self._pods
        ]
        self._around = self._reaching()
        self._most = pairs.largest() + 1
        self._out_price, self._bare_price = self._prices()

    def run(self, draws: Draws, work: int, is_over: Callable[[], bool]) -> tuple[int, bool]:
        """Search until `work` insertions are done (large ones count more) or `is_over` says so.

        Ends with the best arrangement found, which is never worse than the one it started from;
        returns the rounds, and whether it was cut short.
        """
        arrangement, self._draws, self._at = self._arrangement, draws, 0
        price = self._problem.unit_price
        self._noise = draws.block(_NOISES + 2 * self._most) * (NOISE * price)
        missing = arrangement.missing()
        energy = self._energy(missing)
        best, best_value = arrangement.keep(), arrangement.value(missing)
        done, steps, is_truncated = 0.0, 0, False
        warm, cold = WARM * price, COLD * price
        temperature = warm
        work = min(work, PER_POD * len(self._pods))
        while done < work and self._pods and self._around:
            if steps % 32 == 0:
                if is_over():
                    is_truncated = True
                    break
                temperature = warm * (cold / warm) ** (done / work)
            steps += 1
            before = arrangement.keep()
            out, left = self._ruin(missing)
            done += 1.0 + self._recreate(out)
            now_missing = [*left, *(p for p in out if not arrangement.is_done(p))]
            now = self._energy(now_missing)
            if now <= energy or self._draws.unit() < math.exp((energy - now) / temperature):
                energy, missing = now, now_missing
                value = arrangement.value(missing)
                if value < best_value:
                    best, best_value = arrangement.keep(), value
            else:
                arrangement.restore(before, out)
        arrangement.restore(best, self._pods)
        return steps, is_truncated

    def settle(self, passes: int) -> None:
        """Put each pod, one at a time, where it costs least: never worse than before."""
        arrangement = self._arrangement
        for _ in range(passes):
            before = arrangement.value(arrangement.missing())
            for pod in self._pods:
                kept = arrangement.keep()
                was_done, price = arrangement.is_done(pod), arrangement.price()
                arrangement.remove(pod)
                arrangement.insert(pod)
                is_done = arrangement.is_done(pod)
                if was_done > is_done or (was_done == is_done and arrangement.price() > price):
                    arrangement.restore(kept, (pod,))
            if arrangement.value(arrangement.missing()) == before:
                return

    # Inside

    def _prices(self) -> tuple[list[float], list[float]]:
        """Return what each pod costs left out and uncovered: a rank outweighs all lower ones."""
        ranks, many = self._pairs.ranks, float(len(self._pods) + 1)
        unit = self._problem.unit_price
        steps = [unit * many ** min(ranks - 1 - rank, 3) for rank in range(ranks)]
        by_pod = [steps[self._classes[self._arrangement.class_of(p)].rank] for p in self._pods]
        is_must = self._problem.must_cover
        out = [(UNCOVERED if is_must else LEFT_OUT) * step for step in by_pod]
        return out, [UNCOVERED * step for step in by_pod]

    def _energy(self, missing: list[int]) -> float:
        host = self._arrangement.host
        total = self._arrangement.price()
        for pod in missing:
            total += self._out_price[pod] if host[pod] < 0 else self._bare_price[pod]
        return total

    def _reaching(self) -> list[list[int]]:
        """Return for each node the pods that may run or be backed up there."""
        around: list[list[int]] = [[] for _ in range(len(self._problem.room))]
        for pod, table in enumerate(self._tables):
            for node in sorted({*table.host_list, *table.backup_list}):
                around[node].append(pod)
        return around

    def _hub(self, missing: list[int]) -> int:
        draws, backup = self._draws, self._arrangement.backup
        if missing and draws.unit() < AT_MISSING:
            table = self._tables[draws.pick(missing)]
            nodes = table.backup_list or table.host_list
            if nodes:
                return draws.pick(nodes)
        if draws.unit() < AT_RESERVE:
            node = backup[draws.pick(self._pods)]
            if node >= 0:
                return node
        return draws.below(len(self._around))

    def _ruin(self, missing: list[int]) -> tuple[list[int], list[int]]:
        """Take pods out; return them with some that are missing, and the other missing ones."""
        draws, arrangement = self._draws, self._arrangement
        hub = self._hub(missing)
        many = 1 + int(-MEAN_RUIN * math.log(1.0 - draws.unit()))
        host, backup, near = arrangement.host, arrangement.backup, self._around[hub]
        kind = draws.unit()
        if kind < BACKED:
            out = [p for p in near if backup[p] == hub]
        elif kind < HOSTED:
            out = [p for p in near if host[p] == hub]
        else:
            out = [p for p in near if host[p] >= 0]
        absent = set(missing)
        out = [p for p in draws.some(out, many) if p not in absent]
        again = draws.some(missing, MOST_MISSING)
        chosen = set(again)
        for pod in out:
            arrangement.remove(pod)
        for pod in again:
            arrangement.remove(pod)
        return out + again, [p for p in missing if p not in chosen]

    def _recreate(self, out: list[int]) -> float:
        """Put pods back in one of three orders; return the work it was."""
        draws, arrangement = self._draws, self._arrangement
        kind = draws.unit()
        if kind < LARGE_FIRST:
            out.sort(key=lambda p: (-self._weight[p], draws.unit()))
        elif kind < CHOOSY_FIRST:
            out.sort(key=lambda p: self._choice[p] * (0.5 + draws.unit()))
        else:
            out.sort(key=lambda _: draws.unit())
        if self._pairs.ranks > 1:
            out.sort(key=lambda p: self._classes[arrangement.class_of(p)].rank)
        cells = 0.0
        for pod in out:
            if self._at + self._most > len(self._noise):
                self._at = 0
            arrangement.insert(pod, self._noise[self._at :])
            self._at += int(self._size[pod]) + 1
            cells += self._size[pod]
        return len(out) + cells / WORK_PAIRS
