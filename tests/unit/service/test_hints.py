"""Which events lift waiting for delays, what lifts anything, and what only the pod itself does."""

from collections.abc import Sequence

import pytest

from scheduler.domain.node import Taint
from scheduler.domain.reasons import Cause, PodCause
from scheduler.domain.workload import Toleration
from scheduler.service.grounds import AnyCause, Grounds
from scheduler.service.hints import HINTS, ONLY_ITSELF, helps, is_open, may_matter
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import (
    NodeAdded,
    NodeRemoved,
    PodPlaced,
    Wake,
    WakeAll,
    WakeNamed,
)
from telemetry.model import RttTable, empty_rtt
from tests.builders import line_rtt, node, pod, rtt_ms, within
from tests.unit.service.grounded import of_app, placed, rows, waiting

PLAIN = node("n")
TAINTED = node("n", taints=(Taint("dedicated", "gpu"),))
TOLERANT = (Toleration("dedicated", "Exists"),)


def rtts(*rows_ms: Sequence[float]) -> RttTable:
    return rtt_ms(["a", "b", "c"][: len(rows_ms)], rows_ms)


def change(old: RttTable, new: RttTable) -> RttChanged:
    return RttChanged(old, new, {"a", "b", "c"})


FAR, NEAR = rtts([0, 9], [9, 0]), rtts([0, 5], [5, 0])
TO_A, TO_DB = (within(5, "a"),), (within(5, "db"),)

DELAYS = rows(
    ("a node comes within the budget", waiting(Cause.DELAY, delays=TO_A), change(FAR, NEAR), True),
    (
        "a pair is measured, and within the budget",
        waiting(Cause.DELAY_UNKNOWN, delays=TO_A),
        change(rtts([0, -1], [-1, 0]), NEAR),
        True,
    ),
    (
        "a node is within the budget in a table of more nodes",
        waiting(Cause.DELAY, delays=TO_A),
        change(FAR, rtts([0, 9, 1], [9, 0, 1], [1, 1, 0])),
        True,
    ),
    ("not one that goes beyond", waiting(Cause.DELAY, delays=TO_A), change(NEAR, FAR), False),
    ("not one that was within", waiting(Cause.DELAY, delays=TO_A), change(NEAR, NEAR), False),
    (
        "not one that is within one budget of two",
        waiting(Cause.DELAY, delays=(within(5, "a"), within(1, "b"))),
        change(rtts([0, 9, 9], [9, 0, 9], [9, 9, 0]), rtts([0, 9, 5], [9, 0, 9], [5, 9, 0])),
        False,
    ),
    (
        "any change, where nobody looks up what the delay is measured from",
        waiting(Cause.DELAY, delays=TO_DB),
        change(FAR, FAR),
        True,
    ),
    (
        "not where no node is within the budget that is measured from a node",
        waiting(Cause.DELAY, delays=(*TO_DB, within(5, "c"))),
        change(FAR, FAR),
        False,
    ),
    ("no RTTs for a pod without delays", waiting(Cause.RESOURCE), change(FAR, NEAR), False),
    (
        "the reference comes as a node",
        waiting(PodCause.UNKNOWN_REFERENCE, delays=(within(5, "n"),)),
        NodeAdded(TAINTED),
        True,
    ),
    (
        "not a node of another name",
        waiting(PodCause.UNKNOWN_REFERENCE, delays=TO_DB),
        NodeAdded(PLAIN),
        False,
    ),
    (
        "the name of a node that went may mean a Service now",
        waiting(Cause.DELAY, delays=(within(5, "n"),)),
        NodeRemoved(PLAIN),
        True,
    ),
    ("not any node that went", waiting(Cause.DELAY, delays=TO_A), NodeRemoved(PLAIN), False),
    (
        "what is referred to changes",
        waiting(PodCause.REFERENCE_PENDING, delays=TO_DB),
        WakeNamed("PodAdd", "default", frozenset({"db"})),
        True,
    ),
    (
        "not where the pod waits for room wherever it might be near",
        waiting(Cause.RESOURCE, delays=TO_DB),
        WakeNamed("PodAdd", "default", frozenset({"db"})),
        False,
    ),
)


@pytest.mark.parametrize(("grounds", "event", "is_helped"), DELAYS)
def test_a_pod_is_helped_by(grounds: Grounds, event: Wake, *, is_helped: bool) -> None:
    assert helps(grounds, event) is is_helped


OPEN = (PodCause.CROWDED_OUT, PodCause.NOT_COVERED, PodCause.GROUP, PodCause.GROUP_ROOM)
"""Nobody can say what would help."""


@pytest.mark.parametrize("cause", [*Cause, *PodCause])
def test_every_cause_has_a_row_or_only_the_pod_itself_lifts_it(cause: AnyCause) -> None:
    is_told = any(cause in hint.causes for hint in HINTS)

    assert is_told or cause in ONLY_ITSELF or cause in OPEN


@pytest.mark.parametrize("cause", sorted(ONLY_ITSELF, key=str))
def test_what_only_the_pod_itself_can_change_is_lifted_by_no_other_event(cause: AnyCause) -> None:
    events = (NodeAdded(PLAIN), PodPlaced(placed(of_app("web"))), change(FAR, NEAR))

    assert not any(helps(waiting(cause, delays=TO_A), event) for event in events)
    assert helps(waiting(cause), WakeAll("KindListed"))


@pytest.mark.parametrize("causes", [(), (PodCause.CROWDED_OUT, Cause.PORT)])
def test_where_nobody_knows_what_would_help_anything_may(causes: tuple[AnyCause, ...]) -> None:
    grounds = waiting(*causes)

    assert is_open(grounds)
    assert helps(grounds, PodPlaced(placed(of_app("web"))))
    assert not helps(grounds, RttChanged(empty_rtt(), line_rtt(["a", "b"])))


def test_a_pod_that_asks_for_less_is_tried_again() -> None:
    old = pod("p", cpu_milli=200)

    assert may_matter(waiting(Cause.RESOURCE), old, pod("p", cpu_milli=100))


def test_a_toleration_that_is_added_matters() -> None:
    assert may_matter(waiting(Cause.TAINT), pod("p"), pod("p", tolerations=TOLERANT))


def test_labels_of_its_own_do_not_matter_to_a_pod_that_waits_for_room() -> None:
    assert not may_matter(waiting(Cause.RESOURCE), pod("p"), pod("p", labels=(("a", "b"),)))


@pytest.mark.parametrize("cause", [Cause.SPREAD, Cause.POD_AFFINITY])
def test_labels_of_its_own_matter_to_a_pod_that_others_keep_away(cause: Cause) -> None:
    assert may_matter(waiting(cause), pod("p"), pod("p", labels=(("a", "b"),)))
