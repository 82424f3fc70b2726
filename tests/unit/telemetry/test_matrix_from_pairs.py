"""Readings become a matrix."""

import pytest

from telemetry.matrix import matrix_from_pairs
from telemetry.model import MAX_RTT_US, UNKNOWN_US
from telemetry.readings import Outcome, PairReading

NODES = ("a", "b")


def measured(rtt_us: int, measured_from: str = "a", measured_to: str = "b") -> PairReading:
    return PairReading(measured_from, measured_to, Outcome.MEASURED, rtt_us)


def test_a_pair_nobody_read_is_unknown() -> None:
    matrix = matrix_from_pairs(NODES, [])

    assert matrix.rtt_us.tolist() == [[0, UNKNOWN_US], [UNKNOWN_US, 0]]


def test_one_direction_fills_only_itself() -> None:
    matrix = matrix_from_pairs(NODES, [measured(7)])

    assert matrix.rtt_us.tolist() == [[0, 7], [UNKNOWN_US, 0]]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.MEASURED])
def test_what_was_not_measured_is_never_a_number(outcome: Outcome) -> None:
    matrix = matrix_from_pairs(NODES, [PairReading("a", "b", outcome, resolution_us=1_000)])

    assert matrix.rtt_us[0, 1] == UNKNOWN_US


def test_a_pair_below_the_resolution_can_be_entered_at_its_upper_bound() -> None:
    reading = PairReading("a", "b", Outcome.BELOW_RESOLUTION, resolution_us=1_000)

    matrix = matrix_from_pairs(NODES, [reading], admit_below_resolution=True)

    assert matrix.rtt_us[0, 1] == 1_000


@pytest.mark.parametrize("order", [(5, 9), (9, 5)])
def test_the_largest_of_several_measurements_counts(order: tuple[int, int]) -> None:
    matrix = matrix_from_pairs(NODES, [measured(rtt_us) for rtt_us in order])

    assert matrix.rtt_us[0, 1] == 9


def test_a_failure_beside_a_measurement_takes_nothing_away() -> None:
    matrix = matrix_from_pairs(NODES, [measured(9), PairReading("a", "b", Outcome.FAILED)])

    assert matrix.rtt_us[0, 1] == 9


def test_strangers_and_self_pairs_are_left_out() -> None:
    matrix = matrix_from_pairs(
        NODES, [measured(5, "a", "z"), measured(5, "z", "b"), measured(5, "a", "a")]
    )

    assert matrix.rtt_us.tolist() == [[0, UNKNOWN_US], [UNKNOWN_US, 0]]


def test_an_rtt_beyond_any_network_is_refused() -> None:
    with pytest.raises(ValueError, match="a to b"):
        matrix_from_pairs(NODES, [measured(MAX_RTT_US + 1)])


@pytest.mark.parametrize(
    ("outcome", "rtt_us"), [(Outcome.MEASURED, UNKNOWN_US), (Outcome.FAILED, 300_000)]
)
def test_a_reading_has_a_number_exactly_when_it_was_measured(outcome: Outcome, rtt_us: int) -> None:
    with pytest.raises(ValueError, match="exactly when"):
        PairReading("a", "b", outcome, rtt_us)
