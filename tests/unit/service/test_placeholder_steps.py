"""What is kept, deleted and created; and how long a node is left alone after a failure."""

import pytest

from scheduler.domain.placeholder import placeholder_name
from scheduler.domain.resources import CPU, Resources
from scheduler.domain.workload import Pod, PodClass
from scheduler.service.placeholder_book import Holding
from scheduler.service.placeholder_steps import Step, steps
from scheduler.service.put_off import FIRST_S, LONGEST_S, PutOff


def cpu(milli: int) -> Resources:
    return ((CPU, milli),)


def holding(
    node: str, milli: int, *, name: str = "", is_over: bool = False, is_terminating: bool = False
) -> Holding:
    pod = Pod(name or placeholder_name(node), PodClass("held", requests=cpu(milli)), uid=node)
    return Holding(pod, node, is_over, is_terminating, "")


def test_what_is_right_is_kept() -> None:
    assert steps({"a": cpu(5)}, [holding("a", 5)]) == []


def test_what_is_missing_is_created_and_what_is_not_wanted_deleted() -> None:
    spare = holding("b", 5)

    assert steps({"a": cpu(5)}, [spare]) == [Step("a", (), cpu(5)), Step("b", (spare,), ())]


@pytest.mark.parametrize(
    "wrong",
    [holding("a", 4), holding("a", 5, is_over=True), holding("a", 5, name="other")],
    ids=["of another size", "that ended", "of another name"],
)
def test_one_that_is_not_right_is_replaced(wrong: Holding) -> None:
    assert steps({"a": cpu(5)}, [wrong]) == [Step("a", (wrong,), cpu(5))]


def test_of_two_the_right_one_is_kept() -> None:
    right, second = holding("a", 5), holding("a", 5, name="second")

    assert steps({"a": cpu(5)}, [right, second]) == [Step("a", (second,), ())]


def test_nothing_is_done_on_a_node_where_one_is_on_its_way_out() -> None:
    leaving = holding("a", 5, is_terminating=True)

    assert steps({"a": cpu(5)}, [leaving]) == []
    assert steps({}, [leaving, holding("a", 5, name="second")]) == []


def test_names_are_legal_and_differ_where_what_can_be_read_of_them_does_not() -> None:
    long = "n" * 62 + ".example.com"
    names = {placeholder_name(long + end) for end in ("", "-2", "-3")}

    assert len(names) == 3
    assert all(len(name) <= 72 and ".-" not in name for name in names)


def test_a_node_is_left_alone_for_longer_after_each_failure_and_forgiven_after_a_good_while() -> (
    None
):
    put_off, now_s, waits = PutOff(), 100.0, []
    assert put_off.until_s("a") <= now_s
    for _ in range(6):
        put_off.add("a", now_s)
        waits.append(put_off.until_s("a") - now_s)
        now_s = put_off.until_s("a") + 1

    assert waits == [FIRST_S, 30, 60, 120, LONGEST_S, LONGEST_S]
    assert put_off.until_s("b") <= 100
    put_off.add("a", now_s + 2 * LONGEST_S)
    assert put_off.until_s("a") == now_s + 2 * LONGEST_S + FIRST_S
