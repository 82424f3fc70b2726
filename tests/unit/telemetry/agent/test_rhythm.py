"""When an agent reports, and how long it waits after a failure."""

import pytest

from telemetry.agent.backoff import Backoff
from telemetry.agent.rhythm import next_report_s


def after(now_s: float, *, urgent: bool = False, ended: bool = False, more: bool = False) -> float:
    """Return when to report after a report at 100 s with an interval of 10 s."""
    return next_report_s(100.0, now_s, 10.0, is_urgent=urgent, has_ended=ended, has_more=more)


def test_a_scheduler_that_holds_answers_back_always_has_one_to_hold() -> None:
    assert after(110.0) == 110.0
    assert after(103.0) == 103.0


def test_a_scheduler_that_does_not_is_reported_to_at_its_interval() -> None:
    assert after(100.01) == 110.0


def test_reports_are_frequent_while_orders_are_under_way() -> None:
    assert after(100.01, urgent=True) == 100.25
    assert after(101.0, urgent=True) == 101.0


def test_an_order_that_has_ended_is_answered_at_once() -> None:
    assert after(100.01, ended=True) == 100.01
    assert after(100.01, ended=True, urgent=True) == 100.1


def test_what_is_left_is_told_soon() -> None:
    assert after(100.01, more=True) == 100.25


def test_waits_double_up_to_half_a_minute_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(lambda: 0.0)

    assert [backoff.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_s() == 1


def test_chance_shortens_waits_by_up_to_a_half() -> None:
    assert Backoff(lambda: 0.5).next_s() == 0.75


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 40.0), (0.5, 50.0)])
def test_a_wait_that_is_asked_for_is_never_shortened(chance: float, wait_s: float) -> None:
    assert Backoff(lambda: chance).next_s(least_s=40.0) == wait_s
