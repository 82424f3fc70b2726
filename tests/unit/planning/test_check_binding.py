"""The independent checker: claims that wait for their pods, one rule a test."""

from dataclasses import replace

import pytest

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.storage import ClaimRef, PersistentVolume, StorageCapacity, TopologyTerm
from tests.unit.planning.storing import (
    HOST,
    MADE,
    ZONE,
    free,
    judged,
    on_host,
    storage,
    using,
    waiting,
)

UNBOUND = ["volume binding"]


@pytest.mark.parametrize(("on", "found"), [("a", []), ("b", UNBOUND)])
def test_a_claim_that_waits_takes_a_volume_that_is_there(on: str, found: list[str]) -> None:
    stored = storage(waiting("data"), volumes=[free("v", "a")])
    assert judged(stored, (using("p", "data"), on)) == found


@pytest.mark.parametrize(
    "volume",
    [
        replace(free("v"), capacity_bytes=9),
        replace(free("v"), volume_mode="Block"),
        replace(free("v"), attributes_class="gold"),
        replace(free("v"), is_terminating=True),
        replace(free("v"), phase="Released"),
        replace(free("v"), storage_class="other"),
        replace(free("v"), claim=ClaimRef("default", "other")),
        replace(free("v"), access_modes=("ReadOnlyMany",)),
        replace(free("v"), labels={"tier": "slow"}, access_modes=("ReadWriteOnce",)),
    ],
    ids=["size", "mode", "attributes", "deleted", "phase", "class", "reserved", "access", "labels"],
)
def test_a_volume_that_is_not_what_is_claimed_is_not_taken(volume: PersistentVolume) -> None:
    quick = LabelSelector((Requirement("tier", "NotIn", ("slow",)),))
    claim = replace(waiting("data"), access_modes=("ReadWriteOnce",), selector=quick)
    assert judged(storage(claim, volumes=[volume]), (using("p", "data"), "a")) == UNBOUND


@pytest.mark.parametrize(("host", "found"), [("a", []), ("b", UNBOUND)])
def test_a_claim_takes_the_volume_reserved_for_it_and_no_other(host: str, found: list[str]) -> None:
    reserved = replace(free("v", host), claim=ClaimRef("default", "data"), phase="Bound")
    stored = storage(waiting("data"), volumes=[reserved, free("w")])
    assert judged(stored, (using("p", "data"), "a")) == found


def test_a_volume_reserved_for_an_earlier_claim_of_that_name_is_not_taken() -> None:
    reserved = replace(free("v"), claim=ClaimRef("default", "data", "old"))
    stored = storage(replace(waiting("data"), uid="new"), volumes=[reserved])
    assert judged(stored, (using("p", "data"), "a")) == UNBOUND


def test_two_pods_do_not_need_the_same_volume() -> None:
    stored = storage(waiting("one"), waiting("two"), volumes=[free("v")])
    assert judged(stored, (using("p", "one"), "a"), (using("q", "two"), "b")) == UNBOUND


def test_two_claims_find_a_volume_each_though_the_first_could_take_the_seconds() -> None:
    volumes = [free("any"), free("big", size=20)]
    stored = storage(waiting("small"), waiting("large", size=20), volumes=volumes)
    assert judged(stored, (using("p", "small"), "a"), (using("q", "large"), "a")) == []


def test_a_claim_gives_way_to_one_that_has_no_other_choice() -> None:
    volumes = [free("here", "a"), free("anywhere")]
    stored = storage(waiting("one"), waiting("two"), volumes=volumes)
    pairs = (using("p", "one"), "a"), (using("q", "two"), "b")
    assert judged(stored, *pairs) == judged(stored, *reversed(pairs)) == []


def test_two_claims_of_one_pod_need_a_volume_each() -> None:
    stored = storage(waiting("one"), waiting("two"), volumes=[free("v")])
    assert judged(stored, (using("p", "one", "two"), "a")) == UNBOUND


def test_pods_that_share_a_claim_share_its_volume() -> None:
    stored = storage(waiting("data"), volumes=[free("v")])
    assert judged(stored, (using("p", "data"), "a"), (using("q", "data"), "b")) == []


@pytest.mark.parametrize(("on", "found"), [("a", []), ("b", UNBOUND * 2)])
def test_a_volume_that_is_yet_to_be_made_is_made_for_one_node(on: str, found: list[str]) -> None:
    stored = storage(waiting("data", "made"))
    assert judged(stored, (using("p", "data"), "a"), (using("q", "data"), on)) == found


@pytest.mark.parametrize(("on", "found"), [("a", []), ("b", UNBOUND)])
def test_a_claim_that_has_its_node_already_binds_its_pod_to_it(on: str, found: list[str]) -> None:
    claim = replace(waiting("data", "made"), selected_node="a")
    assert judged(storage(claim), (using("p", "data"), on)) == found


def test_a_claim_that_has_its_node_takes_no_volume_that_is_there() -> None:
    claim = replace(waiting("data"), selected_node="a")
    assert judged(storage(claim, volumes=[free("v")]), (using("p", "data"), "a")) == UNBOUND


@pytest.mark.parametrize(
    ("terms", "on", "found"),
    [
        ((TopologyTerm(((ZONE, ("east",)),)),), "a", []),
        ((TopologyTerm(((ZONE, ("east",)),)),), "b", UNBOUND),
        ((TopologyTerm(((ZONE, ("east",)),)),), "c", UNBOUND),
        ((TopologyTerm(((ZONE, ("east",)), (HOST, ("b",)))),), "a", UNBOUND),
        ((TopologyTerm(), TopologyTerm(((ZONE, ("west",)),))), "b", []),
        ((TopologyTerm(),), "a", UNBOUND),
    ],
)
def test_volumes_are_made_where_their_class_allows(
    terms: tuple[TopologyTerm, ...], on: str, found: list[str]
) -> None:
    stored = storage(waiting("data", "made"), classes=[replace(MADE, allowed=terms)])
    assert judged(stored, (using("p", "data"), on)) == found


@pytest.mark.parametrize(
    ("capacity", "found"),
    [
        (StorageCapacity("x", "y", "made", LabelSelector(), 10), []),
        (StorageCapacity("x", "y", "made", LabelSelector(), 9), UNBOUND),
        (StorageCapacity("x", "y", "made", LabelSelector(), None), UNBOUND),
        (StorageCapacity("x", "y", "made", None, 10), UNBOUND),
        (StorageCapacity("x", "y", "other", LabelSelector(), 10), UNBOUND),
        (StorageCapacity("x", "y", "made", LabelSelector(on_host("a").expressions), 10), []),
        (StorageCapacity("x", "y", "made", LabelSelector(on_host("b").expressions), 10), UNBOUND),
    ],
)
def test_volumes_are_made_where_their_driver_has_room(
    capacity: StorageCapacity, found: list[str]
) -> None:
    stored = storage(waiting("data", "made"), capacities=[capacity])
    assert judged(stored, (using("p", "data"), "a")) == found


def test_a_claim_of_no_size_needs_no_room() -> None:
    claim = replace(waiting("data", "made"), requested_bytes=None)
    stored = storage(claim, capacities=[StorageCapacity("x", "y", "made")])
    assert judged(stored, (using("p", "data"), "a")) == []
