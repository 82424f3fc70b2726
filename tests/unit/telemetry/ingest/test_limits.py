"""Buckets fill at their rate, and forget no more than they must."""

from telemetry.ingest.limits import Bucket, Buckets, Recent


def test_a_bucket_lets_its_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(rate=2.0, burst=3.0, now_s=0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(0.25) == 0.25
    assert [bucket.take(0.5), bucket.take(0.5)] == [0.0, 0.5]


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = Bucket(rate=2.0, burst=3.0, now_s=0.0)

    assert [bucket.take(1000.0) == 0.0 for _ in range(4)] == [True, True, True, False]


def test_what_is_given_back_may_be_taken_again() -> None:
    bucket = Bucket(rate=1.0, burst=1.0, now_s=0.0)
    bucket.take(0.0)

    bucket.give_back()

    assert bucket.take(0.0) == 0.0
    bucket.give_back()
    bucket.give_back()
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 1.0]


def test_each_has_a_bucket_of_its_own() -> None:
    buckets: Buckets[str] = Buckets(1.0, 1.0, most=10, now_s=lambda: 0.0)

    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [0.0, 1.0, 0.0]


def test_the_value_unused_for_longest_is_forgotten_first() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")

    recent.put("c", 3)

    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)
