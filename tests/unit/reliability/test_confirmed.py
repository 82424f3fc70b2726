"""Which broken budgets are believed."""

import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import build_snapshot
from scheduler.reliability.budgets import Break, BrokenBudget, broken_budgets
from scheduler.reliability.confirmed import Confirmations, Pair, confirmed, judged
from telemetry.model import UNKNOWN_US
from tests.builders import node, pod, rtt_ms, within, workload

NAMES = ("on", "r1", "r2")
ROWS = [[0, 8, 9], [8, 0, 1], [9, 1, 0]]
TO_R1, TO_R2 = ("r1", "on"), ("r2", "on")
SLOW, OK = 8_000, 4_000


class Remembered:
    """The bursts of each pair, as a test says them."""

    def __init__(self, bursts: dict[tuple[str, str], tuple[int, ...] | None]) -> None:
        self._bursts = bursts
        self.asked = 0

    def recent_us(self, reference_node: str, node: str) -> tuple[int, ...] | None:
        self.asked += 1
        return self._bursts.get((reference_node, node), ())


def suspects(found: list[BrokenBudget], history: Remembered, number: int) -> tuple[Pair, ...]:
    return judged(found, Confirmations(history, number)).suspects


def broken(delay: DelayConstraint, rows: list[list[float]] | None = None) -> list[BrokenBudget]:
    """Return the broken budgets of a pod on `on` to a node, or to db, which runs on r1 and r2."""
    db = [(pod(f"db-{k}", workload=workload("db")), f"r{k}") for k in (1, 2)]
    placed = [(pod("p", delays=(delay,)), "on"), *db]
    rtt = rtt_ms(NAMES, rows or ROWS)
    nodes = [node(name) for name in NAMES]
    return list(broken_budgets(build_snapshot(nodes, [], placed=placed, rtt=rtt)))


TO_NODE = within(5, "r1")


@pytest.mark.parametrize(
    ("bursts", "is_believed"),
    [
        ((), False),
        ((SLOW,), False),
        ((SLOW, SLOW), False),
        ((SLOW, SLOW, SLOW), True),
        ((OK, SLOW, SLOW, SLOW), True),
        ((SLOW, SLOW, SLOW, OK), False),
        ((SLOW, OK, SLOW, SLOW), False),
        ((SLOW, SLOW, 5_000), False),
        ((5_001, 5_001, 5_001), True),
    ],
)
def test_three_bursts_in_a_row_beyond_the_budget_confirm_it(
    bursts: tuple[int, ...], *, is_believed: bool
) -> None:
    history, found = Remembered({TO_R1: bursts}), broken(TO_NODE)

    assert len(confirmed(found, history, 3)) == is_believed
    assert suspects(found, history, 3) == (() if is_believed else (TO_R1,))


def test_a_lost_burst_neither_confirms_nor_refutes() -> None:
    two = Remembered({TO_R1: (SLOW, UNKNOWN_US, SLOW, UNKNOWN_US)})
    three = Remembered({TO_R1: (SLOW, UNKNOWN_US, SLOW, UNKNOWN_US, SLOW)})
    assert not confirmed(broken(TO_NODE), two, 3)
    assert confirmed(broken(TO_NODE), three, 3)


def test_bursts_that_were_all_lost_confirm_nothing() -> None:
    assert not confirmed(broken(TO_NODE), Remembered({TO_R1: (UNKNOWN_US,) * 5}), 3)


def test_what_nothing_measures_again_stands_as_it_is() -> None:
    from_a_file = Remembered({TO_R1: None})
    assert len(confirmed(broken(TO_NODE), from_a_file, 3)) == 1
    assert suspects(broken(TO_NODE), from_a_file, 3) == ()


def test_the_number_of_confirmations_is_a_setting() -> None:
    history = Remembered({TO_R1: (SLOW,)})
    assert len(confirmed(broken(TO_NODE), history, 1)) == 1
    with pytest.raises(ValueError, match="0 confirmations are fewer than 1"):
        confirmed([], history, 0)


def test_of_any_replica_each_has_to_be_confirmed_too_far() -> None:
    found = broken(within(5, "db"))
    one = Remembered({TO_R1: (SLOW,) * 3, TO_R2: (SLOW, SLOW, OK)})
    both = Remembered({TO_R1: (SLOW,) * 3, TO_R2: (SLOW,) * 3})

    assert found[0].too_far == ("r1", "r2")
    assert (confirmed(found, one, 3), suspects(found, one, 3)) == ((), (TO_R2,))
    assert (confirmed(found, both, 3), suspects(found, both, 3)) == (tuple(found), ())


def test_of_all_replicas_one_confirmed_too_far_is_enough() -> None:
    found = broken(within(5, "db", of=Quantifier.ALL))
    # The farthest one decides; that the other is too far as well breaks the budget all the same.
    history = Remembered({TO_R2: (SLOW, SLOW, OK), TO_R1: (SLOW,) * 3})

    assert (found[0].reference_node, found[0].too_far) == ("r2", ("r2", "r1"))
    assert (confirmed(found, history, 3), suspects(found, history, 3)) == (tuple(found), ())


def test_of_all_replicas_those_within_the_budget_are_not_asked_for() -> None:
    found = broken(within(8.5, "db", of=Quantifier.ALL))
    assert suspects(found, Remembered({}), 3) == (TO_R2,)


def test_a_pair_that_is_not_measured_breaks_nothing_but_is_probed() -> None:
    found = broken(TO_NODE, [[0, -1, 9], [-1, 0, 1], [9, 1, 0]])
    assert [b.kind for b in found] == [Break.NOT_MEASURED]
    assert confirmed(found, Remembered({TO_R1: (SLOW,) * 5}), 3) == ()
    assert suspects(found, Remembered({}), 3) == (TO_R1,)


def test_a_reference_that_is_gone_needs_no_measurement() -> None:
    found = broken(within(5, "deleted"))
    assert [b.kind for b in found] == [Break.UNKNOWN_REFERENCE]
    assert confirmed(found, Remembered({}), 3) == tuple(found)
    assert suspects(found, Remembered({}), 3) == ()


def test_a_pair_that_many_budgets_hang_on_is_looked_up_once() -> None:
    history = Remembered({TO_R1: (SLOW,) * 3})
    found = judged(broken(TO_NODE) * 100, Confirmations(history, 3))
    assert (len(found.believed), found.suspects, history.asked) == (100, (), 1)


def test_a_pair_to_measure_is_named_once() -> None:
    found = judged(broken(TO_NODE) * 100, Confirmations(Remembered({}), 3))
    assert found.suspects == (TO_R1,)
