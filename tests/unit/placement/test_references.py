"""What a delay may refer to, in which order a name is looked up, and who counts."""

from typing import Any

import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.reasons import PodCause
from scheduler.domain.workload import Service
from tests.builders import node, pod, within, workload
from tests.unit.placement.deciding import LINE, causes, on_a_line, where, why

DB: dict[str, Any] = {"workload": workload("db"), "labels": (("app", "db"),)}


def test_a_reference_to_a_workload_is_to_the_nodes_that_run_it() -> None:
    made = on_a_line([pod("web", delays=(within(0.5, "db"),))], placed=[(pod("db-x7", **DB), "d")])

    assert where(made) == {"web": "d"}


def test_a_reference_to_a_service_is_to_the_nodes_of_the_pods_behind_it() -> None:
    front = Service("default", "front", (("app", "db"),))

    made = on_a_line(
        [pod("web", delays=(within(0.5, "front"),))],
        placed=[(pod("x", **DB), "c"), (pod("y", labels=(("app", "other"),)), "a")],
        services=[front],
    )

    assert where(made) == {"web": "c"}


def test_a_service_without_a_selector_selects_nobody() -> None:
    made = on_a_line(
        [pod("web", delays=(within(9, "front"),))],
        placed=[(pod("x", **DB), "c")],
        services=[Service("default", "front", ())],
    )

    assert causes(made, "web") == {PodCause.REFERENCE_PENDING}


def test_a_reference_to_a_pod_is_to_that_pod_and_not_to_its_fellows() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db-1"),))],
        placed=[(pod("db-0", **DB), "a"), (pod("db-1", **DB), "e")],
    )

    assert where(made) == {"web": "e"}


def test_a_name_is_a_node_before_it_is_a_workload() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "b"),))],
        placed=[(pod("x", workload=workload("b")), "e")],
    )

    assert where(made) == {"web": "b"}


def test_a_workload_named_like_a_node_is_reached_by_its_kind() -> None:
    delay = DelayConstraint(Reference("workload", "b", "default", "deployment"), 500)

    made = on_a_line(
        [pod("web", delays=(delay,))], placed=[(pod("x", workload=workload("b")), "e")]
    )

    assert where(made) == {"web": "e"}


def test_a_name_is_a_service_before_it_is_a_workload_and_a_difference_is_noted() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db"),))],
        placed=[(pod("x", **DB), "a"), (pod("y", labels=(("role", "db"),)), "e")],
        services=[Service("default", "db", (("role", "db"),))],
    )

    assert where(made) == {"web": "e"}
    assert "the Service was taken" in made.assignments[0].notes[0]


def test_a_service_and_a_workload_with_the_same_pods_are_not_worth_a_note() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db"),))],
        placed=[(pod("x", **DB), "a")],
        services=[Service("default", "db", (("app", "db"),))],
    )

    assert made.assignments[0].notes == ()


def test_a_name_is_a_workload_before_it_is_a_pod() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db"),))],
        placed=[(pod("db"), "a"), (pod("x", **DB), "e")],
    )

    assert where(made) == {"web": "e"}


def test_workloads_of_one_name_and_two_kinds_are_told_apart_by_kind() -> None:
    delay = DelayConstraint(Reference("workload", "db", "default", "statefulset"), 500)
    running = [
        (pod("x", workload=workload("db", "Deployment")), "a"),
        (pod("y", workload=workload("db", "StatefulSet")), "e"),
    ]

    made = on_a_line([pod("web", delays=(delay,))], placed=running)

    assert where(made) == {"web": "e"}


def test_a_reference_stays_in_its_namespace() -> None:
    elsewhere = pod("x", namespace="shared", workload=workload("db", namespace="shared"))

    made = on_a_line([pod("web", delays=(within(9, "db"),))], placed=[(elsewhere, "a")])

    assert causes(made, "web") == {PodCause.UNKNOWN_REFERENCE}


def test_a_reference_may_name_another_namespace() -> None:
    elsewhere = pod("x", namespace="shared", workload=workload("db", namespace="shared"))
    delay = within(0.5, "db", kind="workload", namespace="shared")

    made = on_a_line([pod("web", delays=(delay,))], placed=[(elsewhere, "d")])

    assert where(made) == {"web": "d"}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("auto", "no node, and no Service, workload or pod of namespace default is named nobody"),
        ("node", "no node is named nobody"),
        ("service", "no Service of namespace default is named nobody"),
        ("workload", "no workload of namespace default is named nobody"),
        ("pod", "no pod of namespace default is named nobody"),
    ],
)
def test_an_unknown_reference_is_named_with_where_it_was_looked_for(kind: str, said: str) -> None:
    delay = within(5, "nobody", kind=kind)  # type: ignore[arg-type] # a literal, from a table

    made = on_a_line([pod("web", delays=(delay,)), pod("other")])

    assert said in why(made, "web")
    assert list(where(made)) == ["other"]


def test_the_key_and_the_value_of_an_unknown_reference_are_quoted() -> None:
    written = DelayConstraint(
        Reference("auto", "nobody", "default"), 5_000, written='delay_nobody: "5"'
    )

    made = on_a_line([pod("web", delays=(written,))])

    assert why(made, "web").startswith('delay_nobody: "5": unknown reference, ')


def test_any_replica_near_enough_is_enough_by_default() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db"),))],
        placed=[(pod("db-0", **DB), "a"), (pod("db-1", **DB), "e")],
    )

    assert where(made)["web"] in {"a", "e"}


def test_of_all_every_replica_is_within_the_budget() -> None:
    delay = within(2, "db", of=Quantifier.ALL)

    made = on_a_line(
        [pod("web", delays=(delay,))],
        placed=[(pod("db-0", **DB), "a"), (pod("db-1", **DB), "e")],
    )

    assert where(made) == {"web": "c"}
    assert made.assignments[0].measured[0].rtt_us == 2_000


def test_of_all_one_replica_too_far_from_every_node_keeps_the_pod_waiting() -> None:
    delay = within(1.9, "db", of=Quantifier.ALL)

    made = on_a_line(
        [pod("web", delays=(delay,))],
        placed=[(pod("db-0", **DB), "a"), (pod("db-1", **DB), "e")],
    )

    assert "nearest c 2ms" in why(made, "web")


def test_a_soft_delay_prefers_and_never_rules_out() -> None:
    full_a = [(pod("filler", cpu_milli=4_000), "a")]

    made = on_a_line([pod("web", delays=(within(0.5, "a", is_soft=True),))], placed=full_a)

    assert where(made) == {"web": "b"}
    assert not made.assignments[0].measured[0].holds


def test_a_soft_delay_that_nobody_measured_places_the_pod_last_where_it_is_unknown() -> None:
    nodes = [node(name) for name in (*LINE, "new")]

    made = on_a_line([pod("web", delays=(within(0.5, "e", is_soft=True),))], nodes=nodes)
    alone = on_a_line(
        [pod("web", delays=(within(0.5, "gone", is_soft=True),))], nodes=[node("new")]
    )

    assert where(made) == {"web": "e"}
    assert where(alone) == {"web": "new"}


def test_a_soft_delay_to_nobody_does_not_keep_a_pod_waiting() -> None:
    made = on_a_line([pod("web", delays=(within(5, "nobody", is_soft=True),))])

    assert list(where(made)) == ["web"]


def test_a_pod_on_its_way_out_is_no_reference() -> None:
    made = on_a_line(
        [pod("web", delays=(within(0.5, "db"),))],
        placed=[(pod("db-0", **DB), "a"), (pod("db-1", **DB), "e")],
        terminating=frozenset({"default/db-0"}),
    )

    assert where(made) == {"web": "e"}


def test_the_last_replica_on_its_way_out_leaves_its_dependants_waiting() -> None:
    made = on_a_line(
        [pod("web", delays=(within(9, "db"),))],
        placed=[(pod("db-0", **DB), "a")],
        terminating=frozenset({"default/db-0"}),
    )

    assert "waiting for db to be placed first" in why(made, "web")


def test_a_reference_on_a_node_that_is_gone_is_no_reference() -> None:
    made = on_a_line(
        [pod("web", delays=(within(9, "db"),))], placed=[(pod("db-0", **DB), "deleted")]
    )

    assert causes(made, "web") == {PodCause.REFERENCE_PENDING}


def test_a_node_that_is_gone_is_an_unknown_reference_although_its_rtts_are_known() -> None:
    made = on_a_line(
        [pod("web", delays=(within(9, "a"),))], nodes=[node(name) for name in LINE[1:]]
    )

    assert causes(made, "web") == {PodCause.UNKNOWN_REFERENCE}


def test_a_node_that_is_not_ready_is_still_a_reference() -> None:
    nodes = [node("a", is_ready=False), node("b"), node("c"), node("d"), node("e")]

    made = on_a_line([pod("web", delays=(within(1, "a"),))], nodes=nodes)

    assert where(made) == {"web": "b"}


def test_a_held_reference_is_pending_and_not_unknown() -> None:
    made = on_a_line([pod("web", delays=(within(9, "db"),))], held=[pod("db-0", **DB)])

    assert causes(made, "web") == {PodCause.REFERENCE_PENDING}


def test_the_first_replica_that_refers_to_its_own_workload_goes_anywhere() -> None:
    made = on_a_line([pod("w-0", workload=workload("w"), delays=(within(1, "w"),))])

    assert list(where(made)) == ["w-0"]


def test_replicas_that_refer_to_their_own_workload_stay_near_each_of_the_others() -> None:
    nodes = [node(name, cpu_milli=100) for name in LINE]
    own = [pod(f"w-{i}", workload=workload("w"), delays=(within(2, "w"),)) for i in range(4)]

    made = on_a_line(own, nodes=nodes)

    used = sorted(LINE.index(on) for on in where(made).values())
    assert len(used) == 3
    assert used[-1] - used[0] == 2


def test_a_new_replica_goes_near_all_that_run_already() -> None:
    spec: dict[str, Any] = {"workload": workload("w"), "delays": (within(2, "w"),)}

    made = on_a_line(
        [pod("w-2", **spec)], placed=[(pod("w-0", **spec), "a"), (pod("w-1", **spec), "c")]
    )

    assert where(made)["w-2"] in {"a", "b", "c"}


def test_of_any_a_chain_of_replicas_may_reach_far() -> None:
    nodes = [node(name, cpu_milli=100) for name in LINE]
    delay = within(1, "w", of=Quantifier.ANY)
    own = [pod(f"w-{i}", workload=workload("w"), delays=(delay,)) for i in range(5)]

    assert len(where(on_a_line(own, nodes=nodes))) == 5


def test_a_pod_that_names_itself_goes_anywhere() -> None:
    assert list(where(on_a_line([pod("me", delays=(within(1, "me"),))]))) == ["me"]


def test_replicas_that_name_one_of_them_are_near_that_one() -> None:
    nodes = [node(name, cpu_milli=100) for name in LINE]
    spec: dict[str, Any] = {
        "workload": workload("web", "StatefulSet"),
        "delays": (within(1, "web-1"),),
    }

    found = where(on_a_line([pod(f"web-{i}", **spec) for i in range(4)], nodes=nodes))

    centre = LINE.index(found["web-1"])
    assert len(found) == 3
    assert all(abs(LINE.index(on) - centre) <= 1 for on in found.values())


def test_a_replica_that_names_a_running_fellow_is_near_it() -> None:
    spec: dict[str, Any] = {
        "workload": workload("web", "StatefulSet"),
        "delays": (within(0.5, "web-0"),),
    }

    made = on_a_line([pod("web-1", **spec)], placed=[(pod("web-0", **spec), "d")])

    assert where(made) == {"web-1": "d"}


def test_a_pending_pod_is_named_and_its_fellows_do_not_stand_for_it() -> None:
    nodes = [node(name, cpu_milli=100) for name in LINE]
    pair = [pod(f"b-{i}", workload=workload("b")) for i in range(2)]
    made = on_a_line([*pair, pod("a-0", delays=(within(1, "b-1"),))], nodes=nodes)

    found = where(made)

    assert abs(LINE.index(found["a-0"]) - LINE.index(found["b-1"])) <= 1
