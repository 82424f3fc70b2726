"""References first, circles together, and what happens when a reference finds no place."""

from itertools import pairwise
from typing import Any

import pytest

from scheduler.domain.delay import Quantifier
from scheduler.domain.reasons import PodCause
from scheduler.domain.workload import Pod, Service
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.placement.deciding import LINE, causes, on_a_line, where, why

SMALL = [node(name, cpu_milli=100) for name in LINE]


def member(owner: str, *delays: Any, number: int = 0, **spec: Any) -> Pod:  # noqa: ANN401 - fields of a class, for tests
    return pod(f"{owner}-{number}", workload=workload(owner), delays=delays, **spec)


def apart(found: dict[str, str], one: str, other: str) -> int:
    return abs(LINE.index(found[one]) - LINE.index(found[other]))


def test_a_dependant_is_placed_near_its_reference_in_the_same_decision() -> None:
    found = where(on_a_line([member("web", within(1, "db")), member("db")], nodes=SMALL))

    assert apart(found, "web-0", "db-0") == 1


def test_a_chain_of_references_is_placed_in_one_decision() -> None:
    chain = [member(f"w{i}", within(1, f"w{i + 1}")) for i in range(4)]

    found = where(on_a_line([*chain, member("w4")], nodes=SMALL))

    assert all(apart(found, f"w{i}-0", f"w{j}-0") == 1 for i, j in pairwise(range(5)))


def test_a_reference_is_placed_where_its_dependants_have_room() -> None:
    hosts = [node("a", cpu_milli=1_000), *SMALL[1:4], node("e", cpu_milli=4_000)]
    web = [member("web", within(0.5, "db"), number=i, cpu_milli=1_000) for i in range(3)]

    found = where(on_a_line([*web, member("db")], nodes=hosts))

    assert set(found.values()) == {"e"}


def test_a_dependant_whose_reference_finds_no_place_waits_and_says_so() -> None:
    db = member("db", cpu_milli=9_000)

    made = on_a_line([member("web", within(9, "db")), db])

    assert not where(made)
    assert "waiting for db to be placed first" in why(made, "web-0")
    assert "5 Insufficient cpu" in why(made, "db-0")


def test_a_dependant_of_a_reference_with_a_fault_waits_for_it() -> None:
    db = member("db", unsupported=("volumes",))

    made = on_a_line([member("web", within(9, "db")), db])

    assert causes(made, "web-0") == {PodCause.REFERENCE_PENDING}


def test_the_second_link_of_a_broken_chain_waits_for_the_first() -> None:
    chain = [
        member("third", within(9, "second")),
        member("second", within(9, "first")),
        member("first", cpu_milli=9_000),
    ]

    made = on_a_line(chain)

    assert "waiting for second to be placed first" in why(made, "third-0")
    assert "waiting for first to be placed first" in why(made, "second-0")


def test_two_that_refer_to_each_other_are_placed_together() -> None:
    pair = [member("x", within(1, "y")), member("y", within(1, "x"))]

    found = where(on_a_line(pair, nodes=SMALL))

    assert apart(found, "x-0", "y-0") == 1


def test_two_that_refer_to_each_other_and_find_no_pair_of_nodes_both_wait() -> None:
    pair = [member("x", within(0.5, "y")), member("y", within(0.5, "x"))]

    made = on_a_line(pair, nodes=SMALL)

    assert not where(made)
    assert "no arrangement of the pods that refer to each other" in why(made, "x-0")


@pytest.mark.parametrize("length", [3, 4, 5])
def test_a_longer_circle_keeps_every_delay(length: int) -> None:
    circle = [member(f"w{i}", within(2, f"w{(i + 1) % length}")) for i in range(length)]

    found = where(on_a_line(circle, nodes=SMALL))

    assert all(apart(found, f"w{i}-0", f"w{(i + 1) % length}-0") <= 2 for i in range(length))
    assert len(found) == length


def test_a_circle_keeps_its_delays_to_nodes_as_well() -> None:
    pair = [member("x", within(1, "y"), within(0.5, "d")), member("y", within(1, "x"))]

    found = where(on_a_line(pair, nodes=SMALL))

    assert found["x-0"] == "d"
    assert found["y-0"] in {"c", "e"}


def test_a_circle_has_dependants_of_its_own() -> None:
    pods = [
        member("web", within(1, "x")),
        member("x", within(1, "y")),
        member("y", within(1, "x")),
    ]

    found = where(on_a_line(pods, nodes=SMALL))

    assert apart(found, "web-0", "x-0") == 1


def test_of_two_circles_each_is_placed_by_itself() -> None:
    pods = [
        member("x", within(1, "y")),
        member("y", within(1, "x")),
        member("v", within(1, "w")),
        member("w", within(1, "v")),
    ]

    found = where(on_a_line(pods, nodes=SMALL))

    assert apart(found, "x-0", "y-0") == 1
    assert apart(found, "v-0", "w-0") == 1


def test_a_circle_of_replicas_needs_only_any_of_the_others_near() -> None:
    pods = [member("x", within(1, "y"), number=i) for i in range(2)]
    pods += [member("y", within(1, "x"), number=i) for i in range(2)]

    found = where(on_a_line(pods, nodes=SMALL))

    for one, other in (("x", "y"), ("y", "x")):
        for i in range(2):
            assert min(apart(found, f"{one}-{i}", f"{other}-{k}") for k in range(2)) == 1


def test_a_circle_of_all_needs_every_one_of_the_others_near() -> None:
    pods = [member("x", within(2, "y", of=Quantifier.ALL), number=i) for i in range(2)]
    pods += [member("y", within(2, "x", of=Quantifier.ALL))]

    found = where(on_a_line(pods, nodes=SMALL))

    assert len(found) == 3
    assert max(apart(found, f"x-{i}", "y-0") for i in range(2)) <= 2


def test_a_circle_through_a_service_is_a_circle() -> None:
    behind = Service("default", "front", (("app", "y"),))
    pods = [member("x", within(1, "front")), member("y", within(1, "x"), labels=(("app", "y"),))]

    found = where(on_a_line(pods, nodes=SMALL, services=[behind]))

    assert apart(found, "x-0", "y-0") == 1


def test_a_soft_circle_keeps_nobody_waiting() -> None:
    far = line_rtt(LINE, step_ms=100)
    pods = [
        member("x", within(1, "y", is_soft=True)),
        member("y", within(1, "x", is_soft=True)),
    ]

    assert len(where(on_a_line(pods, nodes=SMALL, rtt=far))) == 2


def test_replicas_of_a_circle_that_run_already_count() -> None:
    running = [(member("y", within(9, "x"), number=7), "e")]

    found = where(on_a_line([member("x", within(1, "y"))], placed=running, nodes=SMALL))

    assert found["x-0"] in {"d", "e"}


def test_a_part_of_a_reference_that_finds_no_room_leaves_the_placed_part_to_refer_to() -> None:
    db = [member("db", number=i, cpu_milli=4_000) for i in range(7)]

    made = on_a_line([*db, member("web", within(9, "db"), cpu_milli=0)])

    assert "web-0" in where(made)
    assert len(made.unplaced) == 2


def test_one_that_refers_to_itself_and_to_a_reference_without_room_waits_for_that() -> None:
    pods = [member("x", within(1, "x"), within(9, "db")), member("db", cpu_milli=9_000)]

    assert "waiting for db to be placed first" in why(on_a_line(pods), "x-0")
