"""Selectors that ask for the labels by which a controller numbers its pods."""

from dataclasses import replace

import pytest

from scheduler.domain.between import PodTerm
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.apart import told_apart
from tests.builders import pod
from tests.unit.placement.deciding import where, why
from tests.unit.placement.ruled import HOST, hosts, many, of_app, planned

INDEX = "apps.kubernetes.io/pod-index"
HERE = ("a1", "a2", "b1")


def numbered(app_name: str) -> list[Pod]:
    """Return three replicas of an app, by their numbers."""
    pods = many(3, app_name)
    return [replace(one, identity_labels=((INDEX, str(k)),)) for k, one in enumerate(pods)]


def asking(*requirements: Requirement) -> PodTerm:
    return PodTerm(HOST, LabelSelector(requirements), ("default",))


def decided_on(term: PodTerm, *, leaving: frozenset[str] = frozenset()) -> ClusterSnapshot:
    """Return the snapshot that is decided on where a newcomer keeps away from numbers."""
    placed = [*zip(numbered("db"), HERE, strict=True), *zip(numbered("web"), HERE, strict=True)]
    new = of_app("new", "new", pod_anti_affinity=(term,))
    return told_apart(build_snapshot(hosts(), [new], placed=placed, terminating=leaving))[0]


def own(snapshot: ClusterSnapshot) -> list[str]:
    """Return the standing pods whose numbers are among their classes' labels."""
    return [one.name for one in snapshot.placed.pods if INDEX in dict(one.pod_class.labels)]


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ([Requirement(INDEX, "In", ("1",))], ["db-1", "web-1"]),
        ([Requirement(INDEX, "NotIn", ("1",))], ["db-1", "web-1"]),
        ([Requirement(INDEX, "In", ("1",)), Requirement("app", "In", ("db",))], ["db-1"]),
        (
            [Requirement(INDEX, "Exists"), Requirement("app", "In", ("db",))],
            ["db-0", "db-1", "db-2"],
        ),
        ([Requirement(INDEX, "In", ("7",))], []),
    ],
)
def test_only_pods_whose_numbers_a_selector_can_tell_are_told_apart(
    requirements: list[Requirement], expected: list[str]
) -> None:
    assert own(decided_on(asking(*requirements))) == expected


def test_the_columns_of_pods_told_apart_agree() -> None:
    term = asking(Requirement(INDEX, "In", ("1",)))

    placed = decided_on(term, leaving=frozenset({"default/db-1"})).placed

    assert [placed.classes[k] for k in placed.class_of] == [one.pod_class for one in placed.pods]
    assert len(set(placed.classes)) == len(placed.classes) == 4
    assert [hosts()[k].name for k in placed.node_of] == [*HERE, *HERE]
    assert placed.is_terminating.tolist() == [False, True, False, False, False, False]


def test_no_class_stays_that_has_no_pods() -> None:
    term = asking(Requirement(INDEX, "Exists"), Requirement("app", "In", ("db",)))

    placed = decided_on(term).placed

    assert sorted(set(placed.class_of.tolist())) == list(range(len(placed.classes)))


def test_a_newcomer_keeps_away_from_one_number_alone() -> None:
    nodes = hosts()[:3]
    placed = list(zip(numbered("db"), [node.name for node in nodes], strict=True))
    away = of_app("new", "new", pod_anti_affinity=(asking(Requirement(INDEX, "NotIn", ("1",))),))

    made = planned([away], nodes=nodes, placed=placed)

    assert where(made) == {"new": nodes[1].name}


def test_a_standing_pod_keeps_a_number_away() -> None:
    nodes = hosts()[:1]
    guard = of_app("guard", "x", pod_anti_affinity=(asking(Requirement(INDEX, "In", ("1",))),))
    first, second, _ = numbered("db")

    made = planned([first, second], nodes=nodes, placed=[(guard, nodes[0].name)])

    assert where(made) == {"db-0": nodes[0].name}
    assert "anti-affinity" in why(made, "db-1")


def test_numbers_are_not_looked_at_where_nobody_asks() -> None:
    placed = list(zip(numbered("db"), HERE, strict=True))
    snapshot = build_snapshot(hosts(), [pod("new")], placed=placed)

    told, classes = told_apart(snapshot)

    assert told is snapshot
    assert not classes
