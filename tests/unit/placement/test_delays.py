"""Budgets: which measured round-trip times admit a pod to a node."""

import pytest

from scheduler.domain.delay import DelayFault
from scheduler.domain.node import Node
from scheduler.domain.reasons import PodCause
from tests.builders import node, pod, rtt_ms, within, workload
from tests.unit.placement.deciding import causes, on_a_line, where, why


def test_all_delays_of_a_pod_must_hold() -> None:
    made = on_a_line([pod("p", delays=(within(2, "a"), within(2, "e")))])

    assert where(made) == {"p": "c"}


def test_two_delays_that_no_node_keeps_together_keep_the_pod_waiting() -> None:
    made = on_a_line([pod("p", delays=(within(1, "a"), within(1, "e")))])

    # A node that breaks both is counted under both.
    assert why(made, "p") == (
        "0/5 nodes are available: 3 node(s) exceeded delay to a (1ms; nearest d 3ms), "
        "3 node(s) exceeded delay to e (1ms; nearest b 3ms)."
    )


@pytest.mark.parametrize("budgets", [(1, 9), (9, 1)])
def test_of_two_delays_to_one_reference_the_stricter_holds(budgets: tuple[int, int]) -> None:
    crowd = [
        pod(f"p{i}", cpu_milli=4_000, delays=tuple(within(ms, "a") for ms in budgets))
        for i in range(5)
    ]

    assert set(where(on_a_line(crowd)).values()) == {"a", "b"}


def test_a_budget_met_exactly_holds_and_a_microsecond_more_does_not() -> None:
    full = [(pod("old", cpu_milli=4_000), "a")]

    exact = on_a_line([pod("p", delays=(within(1, "a"),))], placed=full)
    short = on_a_line([pod("p", delays=(within(0.999, "a"),))], placed=full)

    assert where(exact) == {"p": "b"}
    assert not where(short)


def test_a_node_is_at_no_distance_from_itself_even_if_nobody_measured_it() -> None:
    made = on_a_line([pod("p", delays=(within(0.001, "new"),))], nodes=[node("new")])

    assert where(made) == {"p": "new"}
    assert made.assignments[0].measured[0].rtt_us == 0


def test_a_pair_that_nobody_measured_refuses_and_says_so() -> None:
    rtt = rtt_ms(["a", "b"], [[0, -1], [-1, 0]])

    made = on_a_line(
        [pod("p", delays=(within(99, "a"),))],
        nodes=[node("a", is_unschedulable=True), node("b")],
        rtt=rtt,
    )

    assert why(made, "p") == (
        "0/2 nodes are available: 1 node(s) had no measured delay to a, "
        "1 node(s) were unschedulable."
    )


def test_a_node_without_any_measurement_refuses_too() -> None:
    made = on_a_line([pod("p", node_name="new", delays=(within(99, "a"),))], nodes=two("a", "new"))

    assert "1 node(s) had no measured delay to a" in why(made, "p")


def test_where_one_direction_was_measured_it_stands_for_the_other() -> None:
    rtt = rtt_ms(["a", "b"], [[0, -1], [4, 0]])

    made = on_a_line([pod("p", node_name="b", delays=(within(4, "a"),))], nodes=two(), rtt=rtt)

    assert where(made) == {"p": "b"}
    assert made.assignments[0].measured[0].rtt_us == 4_000


def test_the_direction_that_counts_is_the_one_measured_from_the_reference() -> None:
    rtt = rtt_ms(["a", "b"], [[0, 9], [1, 0]])

    towards = on_a_line([pod("p", node_name="b", delays=(within(5, "a"),))], nodes=two(), rtt=rtt)
    back = on_a_line([pod("p", node_name="a", delays=(within(5, "b"),))], nodes=two(), rtt=rtt)

    assert "nearest b 9ms" in why(towards, "p")
    assert where(back) == {"p": "a"}


def test_the_direction_counts_between_pods_that_refer_to_each_other_as_well() -> None:
    rtt = rtt_ms(["a", "b"], [[0, 9], [1, 0]])
    hosts = [node("a", cpu_milli=100), node("b", cpu_milli=100)]
    x = pod("x-0", workload=workload("x"), delays=(within(5, "y"),))
    y = pod("y-0", workload=workload("y"))

    found = where(on_a_line([x, y], nodes=hosts, rtt=rtt))

    assert found == {"x-0": "a", "y-0": "b"}


def test_a_pod_goes_to_the_node_with_the_least_rtt_in_budget() -> None:
    made = on_a_line([pod("p", delays=(within(4, "b"),))])

    assert where(made) == {"p": "b"}


def test_what_is_measured_is_quoted_for_each_delay() -> None:
    made = on_a_line([pod("p", node_name="c", delays=(within(4, "a"), within(4, "e")))])

    quoted = [(m.reference_node, m.rtt_us, m.holds) for m in made.assignments[0].measured]
    assert quoted == [("a", 2_000, True), ("e", 2_000, True)]


def test_a_fault_keeps_the_pod_waiting_with_key_value_and_fix_and_the_others_go_on() -> None:
    fault = DelayFault("delay_a", "fast", "write a positive number of milliseconds")

    made = on_a_line([pod("p", faults=(fault,)), pod("q")])

    assert why(made, "p") == (
        'delay_a: "fast" is not a delay; write a positive number of milliseconds.'
    )
    assert causes(made, "p") == {PodCause.BAD_DELAY}
    assert list(where(made)) == ["q"]


def test_what_is_not_supported_is_named_and_never_ignored() -> None:
    made = on_a_line([pod("p", unsupported=("pod affinity", "host ports"))])

    assert "pod affinity is not supported yet" in why(made, "p")
    assert "host ports is not supported yet" in why(made, "p")


def test_every_fault_of_a_pod_is_named_at_once() -> None:
    fault = DelayFault("delay_a", "-3", "write a positive number of milliseconds")
    broken = pod("p", faults=(fault,), unsupported=("volumes",), delays=(within(1, "nobody"),))

    made = on_a_line([broken])

    assert causes(made, "p") == {
        PodCause.BAD_DELAY,
        PodCause.UNSUPPORTED,
        PodCause.UNKNOWN_REFERENCE,
    }


def two(*names: str) -> list[Node]:
    return [node(name) for name in names or ("a", "b")]
