"""An arrangement: the host and the backup of each pod, and the reserves that follow from them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scheduler.reliability.cover.crowds import Crowds
from scheduler.reliability.cover.pairs import IMPOSSIBLE, NONE, POSSIBLE, TIE, Pairs, PairTable
from scheduler.reliability.cover.problem import NOWHERE, Amounts, CoverProblem

Value = tuple[float, ...]
"""What arrangements are compared by, smaller is better: pods left out by rank, then pods uncovered
by rank, then the price of all else."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """An arrangement put by."""

    host: list[int]
    backup: list[int]
    reserve: Amounts
    free: Amounts
    beside: float


class Arrangement:
    """Hosts and backups of the pods of a problem, with loads, reserves and free room kept in step.

    `host` and `backup` hold a node or `NOWHERE`. A pinned pod has its host from the start.
    """

    def __init__(self, problem: CoverProblem, pairs: Pairs) -> None:
        self.problem, self._pairs = problem, pairs
        r = problem.room.shape[1]
        self.load = problem.base_load.copy()
        self._flat = [self.load[k].reshape(-1) for k in range(r)]
        self.reserve = self.load.max(axis=1, initial=0.0).T.copy()
        self.free = problem.room - self.reserve
        self._crowds = Crowds(problem)
        self._unit = problem.unit.tolist()
        self._demand = [c.demand for c in problem.classes]
        self._sizes = [tuple(c.demand.tolist()) for c in problem.classes]
        self._class_of: list[int] = problem.class_of.tolist()
        self._is_pinned: list[bool] = (problem.pinned >= 0).tolist()
        self._weights = problem.weight.tolist()
        room = np.maximum(problem.room.max(axis=0, initial=1.0), 1.0)
        self._tie: list[float] = (0.1 * TIE * problem.unit_price / room).tolist()
        self.host: list[int] = problem.pinned.tolist()
        self.backup: list[int] = [NOWHERE] * len(self._class_of)
        self._beside = 0.0

    # What is asked

    def is_pinned(self, pod: int) -> bool:
        """Whether a pod stays where it is."""
        return self._is_pinned[pod]

    def class_of(self, pod: int) -> int:
        """Return the class of a pod."""
        return self._class_of[pod]

    def is_done(self, pod: int) -> bool:
        """Whether a pod has all it can want."""
        wants = self.problem.classes[self._class_of[pod]].wants
        return self.host[pod] >= 0 and (self.backup[pod] >= 0 or not wants)

    def reserve_price(self) -> float:
        """Return the price of all reserves."""
        return float((self.reserve @ self.problem.weight).sum())

    def price(self) -> float:
        """Return the price of all reserves, hosts and replicas that share a node or a domain."""
        return self.reserve_price() + self._beside

    def value(self, missing: Iterable[int]) -> Value:
        """Return what arrangements are compared by; `missing` holds the pods that are not done."""
        classes, ranks = self.problem.classes, self._pairs.ranks
        out, bare = [0.0] * ranks, [0.0] * ranks
        for pod in missing:
            short = out if self.host[pod] < 0 else bare
            short[classes[self._class_of[pod]].rank] += 1
        return (*out, *bare, self.price())

    def missing(self) -> list[int]:
        """Return the pods that do not have all they can want, in order."""
        return [pod for pod in range(len(self._class_of)) if not self.is_done(pod)]

    # What is done

    def insert(self, pod: int, noise: Amounts | None = None) -> bool:
        """Give a pod the pair of host and backup that costs least; return whether it is covered.

        Where there is none, and cover is not a must, the cheapest host alone.

        Parameters
        ----------
        pod
            Without a backup, and without a host unless pinned.
        noise
            Prices added to those of the pairs, at least as many as the largest class has; or None.
        """
        pair = self._pairs.of(pod)
        if pair.wants and len(pair.backups):
            cost = self._pair_costs(pair, is_pinned=self._is_pinned[pod])
            if noise is not None:
                cost += noise[: cost.size].reshape(cost.shape)
            best = int(cost.argmin())
            if cost.flat[best] < POSSIBLE:
                row, column = divmod(best, len(pair.backups))
                self._cover(pod, pair.host_list[row], pair.backup_list[column])
                return True
        if not self._is_pinned[pod] and not (pair.wants and self.problem.must_cover):
            return self._host_alone(pod, pair, noise) and not pair.wants
        return False

    def back_up(self, pod: int) -> bool:
        """Give a pod that has a host the backup that costs least; return whether there is one."""
        pair = self._pairs.at(pod, self.host[pod])
        if len(pair.backups):
            cost = self._pair_costs(pair, is_pinned=True)
            best = int(cost.argmin())
            if cost.flat[best] < POSSIBLE:
                return self._raise(pod, self.host[pod], pair.backup_list[best])
        return False

    def put(self, pod: int, host: int, backup: int) -> bool:
        """Give a pod a host and a backup (or `NOWHERE`); return whether there was room for both.

        Nothing is done where there was not.
        """
        if not self._is_pinned[pod]:
            if host == NOWHERE or not self._fits(pod, host):
                return False
            self._take(pod, host)
        if backup != NOWHERE and not self._raise(pod, host, backup):
            if not self._is_pinned[pod]:
                self._leave(pod)
            return False
        return True

    def remove(self, pod: int) -> None:
        """Take a pod's backup, and unless it is pinned its host, away."""
        if self.backup[pod] >= 0:
            self._lower(pod)
        if not self._is_pinned[pod] and self.host[pod] >= 0:
            self._leave(pod)

    def keep(self) -> Kept:
        """Put by what is changed next."""
        return Kept(
            self.host.copy(),
            self.backup.copy(),
            self.reserve.copy(),
            self.free.copy(),
            self._beside,
        )

    def restore(self, kept: Kept, changed: Iterable[int]) -> None:
        """Make the arrangement what it was; only the pods of `changed` may differ from that."""
        changed = list(changed)
        for pod in changed:
            if self.host[pod] != kept.host[pod] or self.backup[pod] != kept.backup[pod]:
                self._count(pod, self.host[pod], self.backup[pod], -1)
                self._count(pod, kept.host[pod], kept.backup[pod], 1)
                self.host[pod], self.backup[pod] = kept.host[pod], kept.backup[pod]
        self.reserve[:], self.free[:], self._beside = kept.reserve, kept.free, kept.beside

    # Inside

    def _pair_costs(self, pair: PairTable, *, is_pinned: bool) -> Amounts:
        """Return the price of each host with each backup, shape ``(hosts, backups)``."""
        backups, hosts = pair.backups, pair.hosts
        cost = pair.base_cost()
        for k, size in enumerate(pair.sizes):
            if size <= 0:
                continue
            rise = self._flat[k].take(pair.index)
            rise += size - self.reserve[backups, k]
            np.maximum(rise, 0.0, out=rise)
            cost[rise > self.free[backups, k]] = IMPOSSIBLE
            rise *= self._weights[k]
            cost += rise
            if not is_pinned:
                cost[self.free[hosts, k] < size] = IMPOSSIBLE
        if pair.group >= 0:
            cost += self._crowds.costs(pair.group, pair.hosts)[:, None]
        if not is_pinned:
            cost -= self._emptiness(pair)[:, None]
        return cost

    def _fits(self, pod: int, host: int) -> bool:
        """Whether a host has room; one that is overdrawn has for who asks nothing of that."""
        demand = self._demand[self._class_of[pod]]
        return not ((demand > self.free[host]) & (demand > 0)).any()

    def _emptiness(self, pair: PairTable) -> Amounts:
        """Return the price by which an emptier host is preferred, shape ``(hosts,)``."""
        k = pair.scarcest
        if k == NONE:
            return np.zeros(len(pair.hosts))
        return np.asarray(self._tie[k] * self.free[pair.hosts, k])

    def _host_alone(self, pod: int, pair: PairTable, noise: Amounts | None) -> bool:
        cost = pair.host_cost.copy()
        for k, size in enumerate(pair.sizes):
            if size > 0:
                cost[self.free[pair.hosts, k] < size] = IMPOSSIBLE
        if pair.group >= 0:
            cost += self._crowds.costs(pair.group, pair.hosts)
        if noise is not None:
            cost += noise[: len(cost)]
        if not len(cost):
            return False
        best = int(cost.argmin())
        if cost[best] >= POSSIBLE:
            return False
        self._take(pod, pair.host_list[best])
        return True

    def _cover(self, pod: int, host: int, backup: int) -> None:
        if not self._is_pinned[pod]:
            self._take(pod, host)
        self._raise(pod, host, backup)

    def _take(self, pod: int, host: int) -> None:
        c = self._class_of[pod]
        self.free[host] -= self._demand[c]
        self.host[pod] = host
        group = self.problem.classes[c].group
        crowd = self._crowds.add(group, host, 1) if group >= 0 else 0.0
        self._beside += self._pairs.price_of(c, host) + crowd

    def _leave(self, pod: int) -> None:
        c, host = self._class_of[pod], self.host[pod]
        self.free[host] += self._demand[c]
        self.host[pod] = NOWHERE
        group = self.problem.classes[c].group
        crowd = self._crowds.add(group, host, -1) if group >= 0 else 0.0
        self._beside -= self._pairs.price_of(c, host) + crowd

    def _count(self, pod: int, host: int, backup: int, sign: int) -> None:
        """Count a pod in or out of loads and replicas, nothing else."""
        c = self._class_of[pod]
        group = self.problem.classes[c].group
        if host >= 0 and group >= 0 and not self._is_pinned[pod]:
            self._crowds.add(group, host, sign)
        if backup >= 0:
            unit = self._unit[host]
            for k, size in enumerate(self._sizes[c]):
                self.load[k, unit, backup] += sign * size

    def _raise(self, pod: int, host: int, backup: int) -> bool:
        """Charge a backup; do nothing and return False where the reserve cannot be raised so."""
        unit, sizes = self._unit[host], self._sizes[self._class_of[pod]]
        load, reserve, free = self.load, self.reserve, self.free
        rises = []
        for k, size in enumerate(sizes):
            rise = load[k, unit, backup] + size - reserve[backup, k] if size > 0 else 0.0
            if size > 0 and rise > free[backup, k]:  # what is not asked for may be overdrawn
                return False
            rises.append(rise)
        for k, rise in enumerate(rises):
            if sizes[k] > 0:
                load[k, unit, backup] += sizes[k]
                if rise > 0:
                    reserve[backup, k] += rise
                    free[backup, k] -= rise
        self.backup[pod] = backup
        return True

    def _lower(self, pod: int) -> None:
        unit, backup = self._unit[self.host[pod]], self.backup[pod]
        for k, size in enumerate(self._sizes[self._class_of[pod]]):
            if size > 0:
                before = self.load[k, unit, backup]
                self.load[k, unit, backup] = before - size
                if before == self.reserve[backup, k]:
                    fall = before - self.load[k, :, backup].max()
                    self.reserve[backup, k] -= fall
                    self.free[backup, k] += fall
        self.backup[pod] = NOWHERE
