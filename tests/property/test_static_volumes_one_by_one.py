"""Volumes matched over all nodes at once are those found by going through them node by node."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.storage import ClaimRef, PersistentVolume, PersistentVolumeClaim
from tests.unit.placement.storing import (
    GI,
    Storing,
    claim,
    hosts,
    local_class,
    storing,
    uses,
    volume,
)

NAMES = ("a", "b", "c")
MODES = ("ReadWriteOnce", "ReadOnlyMany")
CLAIMS = ("c0", "c1", "c2", "c3")

modes = st.sets(st.sampled_from(MODES), min_size=1).map(lambda found: tuple(sorted(found)))
claims = st.lists(
    st.builds(
        lambda size_gi, modes: {"requested_bytes": size_gi * GI, "access_modes": modes},
        st.integers(1, 4),
        modes,
    ),
    min_size=1,
    max_size=len(CLAIMS),
)
volumes = st.lists(
    st.builds(
        lambda size_gi, modes, nodes, mine: {
            "capacity_bytes": size_gi * GI,
            "access_modes": modes,
            "node_terms": hosts(*sorted(nodes)) if nodes else None,
            "claim": ClaimRef("default", mine) if mine else None,
        },
        st.integers(1, 4),
        modes,
        st.sets(st.sampled_from(NAMES)),
        st.sampled_from(("", "", "", *CLAIMS)),
    ),
    max_size=8,
)


def taken_one_by_one(
    wanted: Sequence[PersistentVolumeClaim], there: Sequence[PersistentVolume], node: str
) -> dict[str, str]:
    """Return what claims take on a node: each the reserved or the smallest of what is left."""
    taken: dict[str, str] = {}
    for one in sorted(wanted, key=lambda one: one.requested_bytes or 0):
        fitting = [
            v
            for v in sorted(there, key=lambda v: (v.capacity_bytes, v.name))
            if v.name not in taken.values() and v.capacity_bytes >= (one.requested_bytes or 0)
        ]
        mine = [v for v in fitting if v.claim is not None and v.claim.name == one.name]
        free = [
            v for v in fitting if v.claim is None and set(one.access_modes) <= set(v.access_modes)
        ]
        # The first that is reserved decides, even where this node cannot use it.
        usable = [v for v in mine[:1] or free if v.node_terms is None or _is_on(v, node)]
        if usable:
            taken[one.key] = usable[0].name
    return taken


def _is_on(one: PersistentVolume, node: str) -> bool:
    return any(node in r.values for term in one.node_terms or () for r in term.expressions)


def cluster_of(
    wanted: list[dict[str, Any]], there: list[dict[str, Any]]
) -> tuple[list[PersistentVolumeClaim], list[PersistentVolume], Storing]:
    made = [claim(name, "local", **fields) for name, fields in zip(CLAIMS, wanted, strict=False)]
    found = [volume(f"pv{k}", **fields) for k, fields in enumerate(there)]
    return made, found, storing(local_class(), *made, *found)


@settings(max_examples=200)
@given(claims, volumes)
def test_each_node_offers_what_going_through_its_volumes_finds(
    wanted: list[dict[str, Any]], there: list[dict[str, Any]]
) -> None:
    made, found, cluster = cluster_of(wanted, there)
    pod = uses(*(one.name for one in made))

    expected = {name: taken_one_by_one(made, found, name) for name in NAMES}

    for name in NAMES:
        assert dict(cluster.takes(pod, name).bindings) == expected[name]
    assert cluster.fits(pod) == [name for name in NAMES if len(expected[name]) == len(made)]


@settings(max_examples=100)
@given(claims, volumes)
def test_pods_that_come_one_after_the_other_never_share_a_volume(
    wanted: list[dict[str, Any]], there: list[dict[str, Any]]
) -> None:
    made, _, cluster = cluster_of(wanted, there)
    taken: list[str] = []

    for one in made:
        for name in cluster.fits(uses(one.name))[:1]:
            taken += [chosen for _, chosen in cluster.takes(uses(one.name), name).bindings]
            cluster.place(uses(one.name), name)

    assert len(set(taken)) == len(taken)
