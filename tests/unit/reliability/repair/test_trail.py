"""Where pods were moved away from."""

from scheduler.reliability.repair.trail import entries, extended


def test_a_trail_grows_by_what_was_left_and_forgets_what_is_an_hour_old() -> None:
    first = extended("", "edge-3", 1000.4)
    second = extended(first, "edge-5", 2000.0)

    assert first == "edge-3@1000"
    assert second == "edge-3@1000,edge-5@2000"
    assert extended(second, "edge-7", 4700.0) == "edge-5@2000,edge-7@4700"


def test_what_is_no_trail_says_nothing() -> None:
    for text in ("", "edge-3", "@5", "a@-1", "a@x", "a@1e9", ",,", "a@٣"):
        assert list(entries(text)) == []
    assert list(entries("bad,a@b@7")) == [("a@b", 7.0)]
