"""Volumes that somebody made by hand, and which of them claims take."""

from typing import Any

import pytest

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.storage import ClaimRef
from tests.unit.placement.storing import (
    GI,
    claim,
    hosts,
    local_class,
    storing,
    uses,
    volume,
    waiting_class,
)


def test_the_smallest_volume_that_fits_is_taken() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local", requested_bytes=5 * GI),
        volume("large", 20),
        volume("right", 5),
        volume("small", 4),
        volume("larger", 30),
    )

    assert cluster.takes(uses("data"), "a").bindings == (("default/data", "right"),)


def test_each_node_offers_its_own_volumes() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        volume("on-a", 20, node_terms=hosts("a")),
        volume("on-b", 10, node_terms=hosts("b")),
        volume("too-small", 1, node_terms=hosts("c")),
    )

    assert cluster.fits(uses("data")) == ["a", "b"]
    assert cluster.takes(uses("data"), "a").bindings == (("default/data", "on-a"),)
    assert cluster.takes(uses("data"), "b").bindings == (("default/data", "on-b"),)


def test_two_claims_of_a_pod_take_two_volumes() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        claim("logs", "local", requested_bytes=4 * GI),
        volume("one", 10, node_terms=hosts("a", "b")),
        volume("other", 20, node_terms=hosts("a")),
    )

    assert cluster.fits(uses("data", "logs")) == ["a"]
    assert cluster.takes(uses("data", "logs"), "a").bindings == (
        ("default/logs", "one"),
        ("default/data", "other"),
    )


def test_the_smaller_claim_does_not_take_the_larger_ones_volume() -> None:
    cluster = storing(
        local_class(),
        claim("large", "local", requested_bytes=9 * GI),
        claim("small", "local", requested_bytes=1 * GI),
        volume("of-ten", 10),
        volume("of-two", 2),
    )

    assert cluster.fits(uses("large", "small")) == ["a", "b", "c"]


def test_three_claims_find_their_volumes_on_each_node_apart() -> None:
    names = ("x", "y", "z")
    cluster = storing(
        local_class(),
        *(claim(name, "local") for name in names),
        *(volume(f"a-{k}", 10 + k, node_terms=hosts("a")) for k in range(3)),
        *(volume(f"b-{k}", 20 + k, node_terms=hosts("b")) for k in range(2)),
        volume("shared", 15, node_terms=hosts("b", "c")),
    )

    assert cluster.fits(uses(*names)) == ["a", "b"]
    assert [name for _, name in cluster.takes(uses(*names), "b").bindings] == [
        "shared",
        "b-0",
        "b-1",
    ]


def test_volumes_of_one_size_are_taken_by_name() -> None:
    cluster = storing(local_class(), claim("data", "local"), volume("b"), volume("a"))

    assert cluster.takes(uses("data"), "c").bindings == (("default/data", "a"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"storage_class": "path"},
        {"phase": "Released"},
        {"phase": "Pending"},
        {"is_terminating": True},
        {"volume_mode": "Block"},
        {"access_modes": ("ReadOnlyMany",)},
        {"attributes_class": "gold"},
        {"capacity_bytes": 5 * GI - 1},
        {"claim": ClaimRef("default", "other")},
        {"claim": ClaimRef("default", "data", "uid-of-an-older-one")},
        {"claim": ClaimRef("shop", "data")},
    ],
)
def test_a_volume_that_does_not_fit_is_not_taken(fields: dict[str, Any]) -> None:
    cluster = storing(local_class(), claim("data", "local"), volume("pv", **fields))

    assert cluster.fits(uses("data")) == []


def test_a_volume_may_offer_more_than_is_asked_for() -> None:
    modes = ("ReadWriteOnce", "ReadOnlyMany")
    cluster = storing(
        local_class(), claim("data", "local"), volume("pv", access_modes=modes, labels={"x": "y"})
    )

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


def test_an_empty_attributes_class_is_none() -> None:
    cluster = storing(local_class(), claim("data", "local", attributes_class=""), volume("pv"))

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


def test_a_claims_selector_chooses_among_volumes() -> None:
    ssd = LabelSelector((Requirement("disk", "In", ("ssd",)),))
    cluster = storing(
        local_class(),
        claim("data", "local", selector=ssd),
        volume("slow", 5, labels={"disk": "hdd"}),
        volume("fast", 10, labels={"disk": "ssd"}, node_terms=hosts("b")),
    )

    assert cluster.fits(uses("data")) == ["b"]


@pytest.mark.parametrize("uid", ["", "uid-data"])
def test_a_volume_reserved_for_the_claim_comes_before_smaller_ones(uid: str) -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        volume("small", 5),
        volume("mine", 50, claim=ClaimRef("default", "data", uid), phase="Pending"),
    )

    assert cluster.takes(uses("data"), "a").bindings == (("default/data", "mine"),)


def test_a_claim_with_a_reserved_volume_goes_only_where_that_is() -> None:
    mine = ClaimRef("default", "data")
    cluster = storing(
        local_class(),
        claim("data", "local"),
        volume("small", 5),
        volume("mine", 50, claim=mine, node_terms=hosts("b")),
    )

    assert cluster.fits(uses("data")) == ["b"]


def test_a_reserved_volume_that_is_too_small_is_passed_over() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        volume("mine", 1, claim=ClaimRef("default", "data")),
        volume("free", 5),
    )

    assert cluster.takes(uses("data"), "a").bindings == (("default/data", "free"),)


def test_a_taken_volume_is_not_taken_again() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        claim("logs", "local"),
        volume("on-a", node_terms=hosts("a")),
        volume("on-b", node_terms=hosts("b")),
    )

    cluster.place(uses("data"), "a")

    assert cluster.fits(uses("logs")) == ["b"]


def test_a_second_pod_with_the_claim_follows_the_volume_it_took() -> None:
    cluster = storing(
        local_class(),
        claim("data", "local"),
        volume("on-a", 5, node_terms=hosts("a")),
        volume("on-b", 5, node_terms=hosts("b")),
    )

    cluster.place(uses("data"), "b")

    assert cluster.fits(uses("data")) == ["b"]
    assert cluster.takes(uses("data"), "b").bindings == (("default/data", "on-b"),)


def test_what_is_not_found_is_provisioned_where_the_class_can() -> None:
    cluster = storing(
        waiting_class(),
        claim("data"),
        volume("on-a", storage_class="path", node_terms=hosts("a")),
    )

    assert cluster.fits(uses("data")) == ["a", "b", "c"]
    assert cluster.takes(uses("data"), "a").bindings == (("default/data", "on-a"),)
    assert cluster.takes(uses("data"), "b").provisions == ("default/data",)


def test_one_claim_is_bound_and_another_provisioned() -> None:
    cluster = storing(
        waiting_class(),
        claim("data"),
        claim("logs", requested_bytes=1 * GI),
        volume("pv", 2, storage_class="path"),
    )

    taken = cluster.takes(uses("data", "logs"), "a")

    assert taken.bindings == (("default/logs", "pv"),)
    assert taken.provisions == ("default/data",)


def test_what_claims_take_is_the_same_after_the_pod_was_placed() -> None:
    pod = uses("data", "logs", "cache")
    cluster = storing(
        waiting_class(),
        local_class(),
        claim("data"),
        claim("logs", requested_bytes=1 * GI),
        claim("cache", "local"),
        volume("pv"),
    )
    before = cluster.takes(pod, "a")

    cluster.place(pod, "a")

    assert cluster.takes(pod, "a") == before
