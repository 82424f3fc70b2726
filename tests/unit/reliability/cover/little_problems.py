"""Little cover problems from a seed, and everything that could be done about them."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.making import UNIT_SHARE
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE, CoverClass, CoverProblem


def little_problem(seed: int) -> CoverProblem:
    """Return a problem of two to four nodes, two to four pods, one or two resources."""
    rng = np.random.default_rng(seed)
    n, pods, r = (int(rng.integers(2, 5)), int(rng.integers(2, 5)), int(rng.integers(1, 3)))
    unit = np.arange(n) if rng.random() < 0.7 else np.arange(n) // 2
    units = int(unit.max()) + 2
    base = np.zeros((r, units, n))
    if rng.random() < 0.4:
        base[:, units - 1, int(rng.integers(n))] = rng.integers(0, 3)
    classes = []
    for _ in range(pods):
        some = np.flatnonzero(rng.random(n) < 0.8)
        nodes = some if len(some) else np.arange(n)
        demand = rng.integers(1, 4, size=r).astype(np.float64)
        classes.append(CoverClass(demand, nodes, nodes, np.zeros(len(nodes))))
    pinned = np.full(pods, NOWHERE)
    room = rng.integers(2, 9, size=(n, r)).astype(np.float64)
    if rng.random() < 0.4:
        pinned[0] = int(classes[0].hosts[0])
    return CoverProblem(
        room=room,
        unit=unit.astype(np.int64),
        domain=np.full(n, -1, dtype=np.int64),
        base_load=base,
        weight=np.ones(r),
        classes=tuple(classes),
        class_of=np.arange(pods),
        pinned=pinned,
        replicas=np.zeros((0, n), dtype=np.int64),
        must_cover=True,
        unit_price=UNIT_SHARE * float(np.mean([made.demand.sum() for made in classes])),
    )


def all_arrangements(problem: CoverProblem) -> Iterator[Arrangement]:
    """Yield everything that can be: each pod somewhere with a backup, or left out."""
    pairs = Pairs(problem)
    choices = [_choices(problem, pod) for pod in range(len(problem.class_of))]
    for choice in product(*choices):
        arrangement = Arrangement(problem, pairs)
        fits = all(
            host == NOWHERE or arrangement.put(pod, host, backup)
            for pod, (host, backup) in enumerate(choice)
        )
        if fits:
            yield arrangement


def covered(arrangement: Arrangement) -> int:
    """Return how many pods have a backup."""
    return sum(backup != NOWHERE for backup in arrangement.backup)


def _choices(problem: CoverProblem, pod: int) -> list[tuple[int, int]]:
    made, pinned = problem.classes[pod], int(problem.pinned[pod])
    hosts = made.hosts.tolist() if pinned == NOWHERE else [pinned]
    return [
        (NOWHERE, NOWHERE),
        *(
            (h, b)
            for h in hosts
            for b in made.backups.tolist()
            if problem.unit[h] != problem.unit[b]
        ),
    ]
