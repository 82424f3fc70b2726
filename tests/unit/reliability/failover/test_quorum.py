"""When agents agree that a node is silent."""

import pytest

from scheduler.reliability.failover.quorum import is_voted_dead
from telemetry.model import UNKNOWN_US

HEARD, LOST = (9, 9, 9), (UNKNOWN_US,) * 3
OFTEN_LOST = (UNKNOWN_US, UNKNOWN_US, 9)
RECOVERED_BEFORE = (9, 9, UNKNOWN_US, UNKNOWN_US, UNKNOWN_US)
TOO_FEW = (UNKNOWN_US,) * 2


@pytest.mark.parametrize(
    ("bursts", "quorum", "dead"),
    [
        ([LOST] * 3, 0.8, True),
        ([LOST] * 3, 1.0, True),
        ([LOST] * 2, 0.1, False),
        ([LOST] * 4 + [HEARD], 0.8, True),
        ([LOST] * 3 + [HEARD], 0.8, False),
        ([LOST] * 3 + [HEARD] * 3, 0.5, True),
        ([LOST] * 2 + [RECOVERED_BEFORE], 0.8, True),
        ([LOST] * 2 + [OFTEN_LOST], 0.8, False),
        ([LOST] * 3 + [TOO_FEW] * 5 + [()] * 5, 0.8, True),
        ([TOO_FEW] * 9, 0.8, False),
        ([], 0.8, False),
    ],
)
def test_a_share_of_those_with_a_vote_and_at_least_three_must_have_lost_all_last_bursts(
    bursts: list[tuple[int, ...]],
    quorum: float,
    dead: bool,  # noqa: FBT001 - the answer
) -> None:
    assert is_voted_dead(bursts, quorum) is dead
