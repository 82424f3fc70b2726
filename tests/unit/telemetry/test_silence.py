"""Agents that fall silent, are gone, or come back."""

import pytest

from telemetry.silence import NOBODY, Silence

REPORT_S = 10.0


@pytest.fixture
def silence() -> Silence:
    return Silence(REPORT_S)


def test_that_no_agent_ever_ran_is_told_when_their_time_to_begin_is_over(silence: Silence) -> None:
    silence.expect((), 0.0)
    assert [silence.news(now_s) for now_s in (10.0, 30.0, 31.0, 41.0)] == [None, None, NOBODY, None]


def test_silent_agents_that_are_all_deleted_are_no_recovery(silence: Silence) -> None:
    silence.expect("abc", 0.0)
    assert silence.news(100.0) == "3 of 3 agents are silent for 30 s: a, b, c"
    silence.expect((), 101.0)
    assert silence.news(110.0) is None
    assert silence.news(132.0) == NOBODY
    assert silence.silent == frozenset()


def test_that_agents_were_deleted_while_they_reported_is_told(silence: Silence) -> None:
    silence.expect("abc", 0.0)
    for node in "abc":
        silence.heard(node, 4.0)
    silence.expect((), 5.0)
    assert silence.news(35.0) is None
    assert silence.news(36.0) == NOBODY


@pytest.mark.parametrize("gone_s", [5.0, 60.0])
def test_agents_that_run_again_are_back_when_one_of_them_reports(
    silence: Silence, gone_s: float
) -> None:
    silence.expect("ab", 0.0)
    assert silence.news(50.0)
    silence.expect((), 50.0)
    silence.news(50.0 + gone_s)
    silence.expect("ab", 150.0)
    assert silence.news(160.0) is None
    silence.heard("b", 165.0)
    assert silence.news(170.0) == ""


def test_agents_that_run_and_never_report_are_silent_like_others(silence: Silence) -> None:
    silence.expect((), 0.0)
    assert silence.news(40.0) == NOBODY
    silence.expect("ab", 50.0)
    assert silence.news(60.0) is None
    assert silence.news(81.0) == "2 of 2 agents are silent for 30 s: a, b"


def test_a_rollout_that_replaces_all_agents_in_time_tells_nothing(silence: Silence) -> None:
    silence.expect("ab", 0.0)
    silence.expect((), 5.0)
    silence.expect("ab", 20.0)
    silence.heard("a", 25.0)
    silence.heard("b", 25.0)
    assert [silence.news(now_s) for now_s in (30.0, 40.0)] == [None, None]


def test_fewer_than_half_that_are_silent_are_a_part(silence: Silence) -> None:
    silence.expect("abc", 0.0)
    silence.heard("a", 25.0)
    silence.heard("b", 25.0)
    assert silence.news(40.0) == "1 of 3 agents are silent for 30 s: c"
    assert silence.is_partial
    silence.heard("a", 50.0)
    assert silence.news(60.0) == "2 of 3 agents are silent for 30 s: b, c"
    assert not silence.is_partial
    silence.expect((), 60.0)
    assert silence.news(100.0) == NOBODY
    assert not silence.is_partial
