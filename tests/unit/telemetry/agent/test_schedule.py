"""Whom an agent measures next."""

from itertools import combinations

from telemetry.agent.pace import Chance
from telemetry.agent.schedule import LEAST_S, NEAR_S, Schedule
from telemetry.agent.wire import node_key

KEYS = [node_key(f"edge-{number}") for number in range(60)]
NOBODY: frozenset[int] = frozenset()


def _schedule(own: int = KEYS[0], seed: int = 3) -> Schedule:
    schedule = Schedule(own, Chance(seed))
    schedule.set_peers(key for key in KEYS if key != own)
    return schedule


def _turns(schedule: Schedule, count: int, from_s: float = 0.0, step_s: float = 0.3) -> list[int]:
    turns = []
    for number in range(count):
        now_s = from_s + number * step_s
        key = schedule.next(now_s)
        if key is not None:
            schedule.try_now(key, now_s)
            turns.append(key)
    return turns


def test_of_each_pair_exactly_one_end_measures() -> None:
    schedules = {key: Schedule(key, Chance(key)) for key in KEYS}

    for one, other in combinations(KEYS, 2):
        assert schedules[one].is_mine(other) != schedules[other].is_mine(one)


def test_each_node_has_about_half_of_the_pairs() -> None:
    for own in KEYS:
        schedule = Schedule(own, Chance(1))
        mine = sum(schedule.is_mine(key) for key in KEYS if key != own)

        assert 15 <= mine <= 44


def test_every_pair_of_this_end_comes_once_before_one_comes_twice() -> None:
    schedule = _schedule()
    mine = {key for key in KEYS[1:] if schedule.is_mine(key)}

    turns = _turns(schedule, 2 * len(mine))

    assert set(turns[: len(mine)]) == mine
    assert turns[len(mine) :] == turns[: len(mine)]


def test_agents_begin_with_different_peers() -> None:
    orders = [tuple(_turns(_schedule(seed=seed), 10)) for seed in range(20)]

    assert len(set(orders)) == 20


def test_a_star_measures_everyone() -> None:
    schedule = _schedule()

    schedule.set_orders(star=True, near=NOBODY)

    assert set(_turns(schedule, 59)) == set(KEYS[1:])


def test_a_peer_near_a_budget_is_mine_and_comes_more_often() -> None:
    schedule = _schedule()
    far = next(key for key in KEYS[1:] if not schedule.is_mine(key))

    schedule.set_orders(star=False, near=frozenset((far,)))

    turns = _turns(schedule, 400)  # two minutes
    others = [turns.count(key) for key in KEYS[1:] if key != far]
    assert turns[0] == far
    assert turns.count(far) >= 120 / NEAR_S - 2
    assert turns.count(far) > 1.5 * max(others)


def test_many_peers_near_budgets_leave_half_of_the_turns_to_the_rest() -> None:
    schedule = _schedule()
    near = frozenset(KEYS[1:50])

    schedule.set_orders(star=True, near=near)

    turns = _turns(schedule, 200)
    assert sum(key not in near for key in turns) == 100


def test_a_peer_that_is_alone_is_not_measured_again_before_its_burst_is_over() -> None:
    schedule = Schedule(KEYS[0], Chance(1))
    schedule.set_peers([KEYS[1]])
    schedule.set_orders(star=True, near=NOBODY)
    schedule.try_now(KEYS[1], 100.0)

    assert schedule.next(100.0 + LEAST_S - 0.01) is None
    assert schedule.due_s() == 100.0 + LEAST_S
    assert schedule.next(schedule.due_s()) == KEYS[1]


def test_what_was_measured_urgently_is_not_the_oldest_any_more() -> None:
    schedule = _schedule()
    schedule.set_orders(star=True, near=NOBODY)
    turns = _turns(schedule, 59)
    first = turns[0]

    schedule.try_now(first, 18.0)

    assert schedule.next(20.0) == turns[1]


def test_a_new_list_of_peers_keeps_what_was_tried_and_begins_with_the_new() -> None:
    schedule = Schedule(KEYS[0], Chance(1))
    schedule.set_orders(star=True, near=NOBODY)
    schedule.set_peers(KEYS[1:30])
    turns = _turns(schedule, 29)

    schedule.set_peers(KEYS[1:40])

    after = _turns(schedule, 12, from_s=60.0)
    assert set(after[:10]) == set(KEYS[30:40])
    assert after[10:] == turns[:2]


def test_a_peer_that_moved_comes_first() -> None:
    schedule = Schedule(KEYS[0], Chance(1))
    schedule.set_orders(star=True, near=NOBODY)
    schedule.set_peers(KEYS[1:30])
    last = _turns(schedule, 29)[-1]

    schedule.forget(last)
    schedule.set_peers(KEYS[1:30])

    assert schedule.next(60.0) == last


def test_without_peers_it_is_never_anybodys_turn() -> None:
    schedule = Schedule(KEYS[0], Chance(1))

    assert schedule.next(1e9) is None
    assert schedule.due_s() == float("inf")
