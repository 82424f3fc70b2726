"""Arrangements: loads, reserves and room stay in step, whatever is done; searches only gain."""

from dataclasses import replace

import numpy as np
import pytest

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.draws import Draws
from scheduler.reliability.cover.greedy import first_arrangement
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE, CoverClass, CoverProblem
from scheduler.reliability.cover.search import Search


def random_problem(seed: int, *, must_cover: bool = False) -> CoverProblem:
    """Return 8 nodes, 3 resources, 24 pods of 6 classes: domains, groups, ranks, pins and loads."""
    rng = np.random.default_rng(seed)
    n, r, kinds, pods = 8, 3, 6, 24
    unit = np.arange(n) if seed % 2 else np.array([0, 0, 1, 1, 2, 2, 3, 4])
    base = np.zeros((r, int(unit.max()) + 2, n))
    base[:, -1, :3] = rng.integers(0, 2, (r, 3))
    classes = tuple(
        CoverClass(
            demand=rng.integers(0, 4, r).astype(np.float64),
            hosts=np.sort(rng.choice(n, 4, replace=False)),
            backups=np.sort(rng.choice(n, 4, replace=False)),
            host_cost=rng.integers(0, 50, 4).astype(np.float64),
            wants=bool(rng.random() < 0.8),
            rank=int(rng.integers(0, 2)),
            group=int(rng.integers(-1, 2)),
        )
        for _ in range(kinds)
    )
    class_of = rng.integers(0, kinds, pods)
    pinned = np.full(pods, NOWHERE)
    pinned[:2] = [classes[k].hosts[0] for k in class_of[:2]]
    return CoverProblem(
        room=rng.integers(4, 14, (n, r)).astype(np.float64),
        unit=unit.astype(np.int64),
        domain=rng.integers(-1, 3, n),
        base_load=base,
        weight=np.array([1.0, 2.0, 4.0]),
        classes=classes,
        class_of=class_of,
        pinned=pinned.astype(np.int64),
        replicas=rng.integers(0, 2, (2, n)),
        must_cover=must_cover,
        unit_price=2.0,
    )


def assert_in_step(made: Arrangement) -> None:
    """Work everything out anew from hosts and backups alone."""
    problem = made.problem
    load, used = problem.base_load.copy(), np.zeros_like(problem.room)
    beside, crowd = 0.0, problem.replicas.copy()
    for pod, (host, backup) in enumerate(zip(made.host, made.backup, strict=True)):
        kind = problem.classes[made.class_of(pod)]
        if backup != NOWHERE:
            assert problem.unit[host] != problem.unit[backup]
            load[:, problem.unit[host], backup] += kind.demand
        if host == NOWHERE or made.is_pinned(pod):
            continue
        used[host] += kind.demand
        beside += float(kind.host_cost[list(kind.hosts).index(host)])
        if kind.group >= 0:
            crowd[kind.group, host] += 1
    reserve = load.max(axis=1).T
    np.testing.assert_array_equal(made.load, load)
    np.testing.assert_array_equal(made.reserve, reserve)
    np.testing.assert_array_equal(made.free, problem.room - used - reserve)
    assert made.price() == pytest.approx(
        (reserve @ problem.weight).sum() + beside + crowding(problem, crowd)
    )


def crowding(
    problem: CoverProblem, crowd: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> float:
    """Return the price of replicas beside each other: of the k-th, that of those before it."""
    price = 0.0
    for before, now in zip(problem.replicas, crowd, strict=True):
        price += sum(_pairs(int(b), int(a), 2.0) for b, a in zip(before, now, strict=True))
        for domain in range(int(problem.domain.max()) + 1):
            here = problem.domain == domain
            price += _pairs(int(before[here].sum()), int(now[here].sum()), 1.0)
    return price * problem.unit_price


def _pairs(before: int, now: int, price: float) -> float:
    return price * sum(range(before, now))


def change(made: Arrangement, pod: int, kind: float, rng: np.random.Generator) -> None:
    """Do something to a pod."""
    problem = made.problem
    if kind < 0.45:
        made.remove(pod)
        made.insert(pod, rng.random(64) * 3.0)
    elif kind < 0.7:
        made.remove(pod)
    elif kind < 0.8:
        one = problem.classes[made.class_of(pod)]
        host, backup = int(rng.choice(one.hosts)), int(rng.choice(one.backups))
        made.remove(pod)
        host = int(problem.pinned[pod]) if made.is_pinned(pod) else host
        if problem.unit[host] != problem.unit[backup]:
            made.put(pod, host, backup)
    elif made.host[pod] != NOWHERE and made.backup[pod] == NOWHERE:
        made.back_up(pod)


@pytest.mark.parametrize("seed", range(6))
def test_everything_stays_in_step_through_thousands_of_random_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(seed, must_cover=seed % 3 == 0)
    made = Arrangement(problem, Pairs(problem))
    kept, touched = made.keep(), set[int]()
    for step in range(3_000):
        pod, kind = int(rng.integers(len(problem.class_of))), rng.random()
        touched.add(pod)
        if kind < 0.9:
            change(made, pod, kind, rng)
        elif kind < 0.95:
            kept, touched = made.keep(), set()
        else:
            made.restore(kept, touched)
            touched = set()
        if step % 50 == 0:
            assert_in_step(made)
    assert_in_step(made)


@pytest.mark.parametrize("seed", range(8))
def test_a_search_never_ends_worse_than_it_began_and_never_in_the_red(seed: int) -> None:
    problem = random_problem(seed, must_cover=seed % 2 == 0)
    pairs = Pairs(problem)
    made = first_arrangement(problem, pairs)
    begun = made.value(made.missing())

    search = Search(problem, pairs, made)
    search.settle(2)
    settled = made.value(made.missing())
    search.run(Draws(np.random.default_rng(seed)), 400, lambda: False)

    assert_in_step(made)
    assert made.value(made.missing()) <= settled <= begun
    # Rooms that the pods before them had overdrawn may stay so; none gets worse.
    start = Arrangement(problem, pairs)
    assert (made.free >= np.minimum(start.free, 0.0)).all()


def test_a_search_is_stopped_at_once_and_keeps_what_there_is() -> None:
    problem = random_problem(1)
    pairs = Pairs(problem)
    made = first_arrangement(problem, pairs)
    host, backup = list(made.host), list(made.backup)

    steps, is_truncated = Search(problem, pairs, made).run(
        Draws(np.random.default_rng(1)), 10_000, lambda: True
    )

    assert (steps, is_truncated, made.host, made.backup) == (0, True, host, backup)


def test_reserves_are_the_greatest_failure_and_not_their_sum() -> None:
    problem = random_problem(1)
    kind = replace(
        problem.classes[0],
        demand=np.array([2.0, 1.0, 0.0]),
        hosts=np.array([0, 1]),
        backups=np.array([7]),
        host_cost=np.zeros(2),
        group=-1,
    )
    problem = replace(
        problem,
        room=np.full((8, 3), 10.0),
        base_load=np.zeros_like(problem.base_load),
        classes=(kind,),
        class_of=np.zeros(3, dtype=np.int64),
        pinned=np.full(3, NOWHERE),
    )
    made = Arrangement(problem, Pairs(problem))

    assert made.put(0, 0, 7)
    assert made.put(1, 1, 7)
    assert made.reserve[7].tolist() == [2.0, 1.0, 0.0]
    assert made.put(2, 1, 7)
    assert made.reserve[7].tolist() == [4.0, 2.0, 0.0]
