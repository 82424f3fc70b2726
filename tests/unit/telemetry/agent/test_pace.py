"""How fast packets leave."""

from itertools import pairwise

import pytest

from telemetry.agent.pace import Bucket, Chance, Slots


def _passed(bucket: Bucket, from_s: float, seconds: float) -> int:
    """Ask every tenth of a millisecond."""
    return sum(bucket.take(from_s + step / 10_000) for step in range(round(seconds * 10_000)))


def test_a_bucket_lets_its_pace_pass_and_no_more() -> None:
    bucket = Bucket(1000.0, now_s=50.0)
    _passed(bucket, 50.0, 1.0)

    assert _passed(bucket, 51.0, 2.0) == pytest.approx(2000, abs=2)


def test_after_a_rest_a_bucket_lets_a_twentieth_of_a_second_pass_at_once() -> None:
    bucket = Bucket(1000.0, now_s=0.0)
    _passed(bucket, 0.0, 1.0)

    at_once = sum(bucket.take(3600.0) for _ in range(1000))

    assert at_once == 50


def test_a_slow_bucket_lets_a_whole_burst_pass_at_once() -> None:
    bucket = Bucket(1.0, now_s=0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_says_how_long_to_wait() -> None:
    bucket = Bucket(10.0, now_s=0.0)
    while bucket.take(0.0):
        pass

    wait_s = bucket.wait_s(0.0)

    assert wait_s == pytest.approx(0.1)
    assert not bucket.take(wait_s * 0.99)
    assert bucket.take(wait_s)


def test_a_bucket_told_to_be_slower_forgets_what_it_had_saved() -> None:
    bucket = Bucket(1000.0, now_s=0.0)

    bucket.set_pace(10.0)

    assert sum(bucket.take(0.0) for _ in range(100)) == 3


def _moments(slots: Slots, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        moments.append(slots.at_s)
        slots.pass_on(slots.at_s)
    return moments


def test_slots_keep_the_pace_over_time_and_differ_from_each_other() -> None:
    moments = _moments(Slots(0.3, now_s=7.0, chance=Chance(1)), 1000)

    gaps = [round(b - a, 6) for a, b in pairwise(moments)]
    assert moments[-1] - moments[0] == pytest.approx(0.3 * 999, abs=0.3)
    assert min(gaps) >= 0.15 - 1e-6
    assert max(gaps) <= 0.45 + 1e-6
    assert len(set(gaps)) > 900


def test_agents_with_different_keys_measure_at_different_moments() -> None:
    one, other = (_moments(Slots(0.3, 0.0, Chance(key)), 100) for key in (11, 12))

    assert sum(abs(a - b) > 0.001 for a, b in zip(one, other, strict=True)) > 90


def test_slots_missed_while_the_machine_slept_are_not_made_up_for() -> None:
    slots = Slots(0.3, now_s=0.0, chance=Chance(1))
    slots.pass_on(1000.0)

    moments = _moments(slots, 10)

    assert moments[0] >= 1000.0
    assert moments[-1] >= 1002.0


def test_a_new_pace_begins_now() -> None:
    slots = Slots(300.0, now_s=0.0, chance=Chance(1))

    slots.set_interval(0.3, now_s=10.0)

    assert 10.0 <= slots.at_s < 10.3


def test_chance_is_the_published_generator() -> None:
    chance = Chance(1234567)

    # Of the authors' own SplitMix64 with this seed.
    assert [chance.number() for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]
    assert all(0.0 <= chance.share() < 1.0 for _ in range(1000))
