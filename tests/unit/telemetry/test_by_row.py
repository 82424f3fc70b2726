"""Readings become numbers: only what was measured, and never less than it was."""

import pytest

from telemetry.model import MAX_RTT_US, UNKNOWN_US
from telemetry.readings import Outcome, PairReading
from tests.said import said

NODES = ("a", "b")


def measured(rtt_us: int, measured_from: str = "a", measured_to: str = "b") -> PairReading:
    return PairReading(measured_from, measured_to, Outcome.MEASURED, rtt_us)


def test_one_direction_fills_only_itself() -> None:
    assert said(NODES, [measured(7)]) == {("a", "b"): 7}


NUMBERS = (Outcome.MEASURED, Outcome.BELOW_RESOLUTION)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in NUMBERS])
def test_what_was_not_measured_is_never_a_number(outcome: Outcome) -> None:
    assert said(NODES, [PairReading("a", "b", outcome, resolution_us=1_000)]) == {}


def test_a_pair_below_the_resolution_is_entered_at_its_upper_bound() -> None:
    reading = PairReading("a", "b", Outcome.BELOW_RESOLUTION, resolution_us=1_000)
    assert said(NODES, [reading]) == {("a", "b"): 1_000}


@pytest.mark.parametrize("order", [(5, 9), (9, 5)])
def test_the_largest_of_several_measurements_counts(order: tuple[int, int]) -> None:
    assert said(NODES, [measured(rtt_us) for rtt_us in order]) == {("a", "b"): 9}


def test_a_failure_beside_a_measurement_takes_nothing_away() -> None:
    assert said(NODES, [measured(9), PairReading("a", "b", Outcome.FAILED)]) == {("a", "b"): 9}


def test_strangers_self_pairs_and_what_is_beyond_any_network_are_left_out() -> None:
    odd = [measured(5, "a", "z"), measured(5, "z", "b"), measured(5, "a", "a")]
    assert said(NODES, [*odd, measured(MAX_RTT_US + 1)]) == {}


@pytest.mark.parametrize(
    ("outcome", "rtt_us"), [(Outcome.MEASURED, UNKNOWN_US), (Outcome.FAILED, 300_000)]
)
def test_a_reading_has_an_rtt_exactly_when_it_was_measured(outcome: Outcome, rtt_us: int) -> None:
    with pytest.raises(ValueError, match="exactly when it was measured"):
        PairReading("a", "b", outcome, rtt_us)
