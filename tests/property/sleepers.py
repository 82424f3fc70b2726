"""What pods of little clusters may wait for, theme by theme, and what may happen meanwhile."""

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from scheduler.domain.between import HostPort, PodTerm, SpreadConstraint
from scheduler.domain.node import Node, Taint
from scheduler.domain.resources import resources
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.storage import (
    Claim,
    ClaimRef,
    CsiDriver,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    StorageCapacity,
    StorageClass,
    TopologyTerm,
    VolumeAttachment,
)
from scheduler.domain.workload import NodeTerm, Pod, PodClass, Toleration, WorkloadRef
from tests.builders import within
from tests.property.bench import OURS

NODES = ("n0", "n1", "n2")
APPS = ("web", "db")
NAMESPACES = ("default", "default", "default", "other")
TEAM = LabelSelector((Requirement("team", "Exists"),))
HARD = (True, True, True, False)
"""As a rule."""


def one_of(*values: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - of any type
    """Return a strategy of these values."""
    return st.sampled_from(values)


def of_app(app: str) -> LabelSelector:
    """Return the selector of an app's pods."""
    return LabelSelector((Requirement("app", "In", (app,)),))


def some(what: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return tuples of up to two."""
    return st.lists(what, min_size=least, max_size=2, unique=True).map(tuple)


cpu = one_of(0, 200, 300, 500).map(lambda milli: resources({"cpu": milli}))
tolerations = one_of((), (), (Toleration("x", "Exists"),))
selectors = one_of((), (("disk", "ssd"),))
required = one_of(
    None,
    (NodeTerm((Requirement("disk", "In", ("ssd",)),)),),
    (NodeTerm((), (Requirement("metadata.name", "In", ("n1",)),)),),
)
ports = st.builds(HostPort, one_of("0.0.0.0", "10.0.0.1"), st.just("TCP"), one_of(80, 81))  # noqa: S104 - as pods write it
keys = one_of("zone", "zone", "zone", "disk")
terms = st.one_of(
    st.builds(PodTerm, keys, st.builds(of_app, one_of("web", *APPS)), st.just(("default",))),
    st.builds(
        PodTerm,
        keys,
        st.builds(of_app, one_of("web", *APPS)),
        one_of((), ("other",)),
        one_of(TEAM, TEAM, LabelSelector()),
    ),
)
spreads = st.builds(
    SpreadConstraint,
    keys,
    st.integers(1, 2),
    one_of(*HARD),
    st.builds(of_app, one_of("web", *APPS)),
    one_of(1, 1, 2, 3),
    st.booleans(),
    st.booleans(),
)
delays = st.builds(
    within, st.integers(1, 9), one_of(*NODES, *APPS), is_soft=one_of(*HARD).map(operator.not_)
)

THEMES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "nodes": {"node_selector": selectors, "required_nodes": required, "tolerations": tolerations},
    "room": {"requests": cpu},
    "ports": {"host_ports": some(ports, 1)},
    "spread": {"spread": some(spreads, 1), "node_selector": selectors, "tolerations": tolerations},
    "affinity": {"pod_affinity": some(terms), "pod_anti_affinity": some(terms)},
    "delays": {"delays": some(delays, 1)},
    "storage": {},
}
claims = st.sets(one_of("c0", "c1"), min_size=1).map(
    lambda names: PodVolumes(tuple(Claim(name) for name in sorted(names)))
)
CLAIMED = (
    StorageClass("late", "kubernetes.io/no-provisioner", waits=True),
    PersistentVolumeClaim("default", "c0", "c0", storage_class="late", requested_bytes=1),
    PersistentVolumeClaim("default", "c1", "c1", storage_class="late", requested_bytes=1),
)
"""Claims that wait for a volume on some node."""

stored = st.one_of(
    st.builds(
        PersistentVolumeClaim,
        st.just("default"),
        one_of("c0", "c1"),
        volume_name=one_of("", "v0"),
        storage_class=one_of("late", "late", "soon"),
        access_modes=one_of(("ReadWriteOnce",), ("ReadWriteOncePod",)),
        requested_bytes=one_of(1, 5),
        is_bound=st.booleans(),
    ).map(lambda claim: replace(claim, is_bound=claim.is_bound and bool(claim.volume_name))),
    st.builds(
        PersistentVolume,
        one_of("v0", "v1"),
        capacity_bytes=one_of(1, 5),
        storage_class=one_of("late", "late", "late", "soon"),
        access_modes=st.just(("ReadWriteOnce", "ReadWriteOncePod")),
        labels=one_of({}, {"topology.kubernetes.io/zone": "a"}),
        node_terms=one_of(
            None,
            (NodeTerm((Requirement("zone", "In", ("a",)),)),),
            (NodeTerm((Requirement("disk", "Exists"),)),),
        ),
        claim=one_of(None, None, ClaimRef("default", "c0")),
        phase=one_of("Available", "Available", "Bound"),
        csi=one_of(None, ("driver", "handle")),
    ),
    st.builds(
        StorageClass,
        one_of("late", "soon"),
        one_of("kubernetes.io/no-provisioner", "driver"),
        waits=st.booleans(),
        allowed=one_of((), (TopologyTerm((("zone", ("a",)),)),)),
    ),
    st.builds(CsiNode, one_of(*NODES), one_of({}, {"driver": 0}, {"driver": 1})),
    st.builds(CsiDriver, st.just("driver"), tracks_capacity=st.booleans()),
    st.builds(
        StorageCapacity,
        st.just("default"),
        st.just("k"),
        one_of("late", "soon"),
        one_of(LabelSelector(), LabelSelector((Requirement("zone", "In", ("a",)),))),
        one_of(None, 1, 5),
    ),
    st.builds(VolumeAttachment, st.just("a"), st.just("driver"), one_of(*NODES), st.just("v0")),
)

THEMES["all of it"] = {
    name: st.one_of(st.just(getattr(PodClass(), name)), what)
    for theme in THEMES.values()
    for name, what in theme.items()
}


@st.composite
def pods(draw: st.DrawFn, theme: str) -> Pod:
    """Draw a pod of one of two apps."""
    app, namespace = draw(one_of("web", *APPS)), draw(one_of(*NAMESPACES))
    rules = {name: draw(what) for name, what in THEMES[theme].items()}
    owner = WorkloadRef("Deployment", namespace, app)
    pod_class = PodClass(namespace, owner, (("app", app),), **rules)
    volumes = draw(claims) if theme == "storage" else PodVolumes()
    return Pod(app, pod_class, scheduler_name=OURS, volumes=volumes)


def plain(name: str) -> Node:
    """Return a node with room for little, in one of two zones."""
    labels = {"zone": "b" if name == "n1" else "a", "disk": "hdd" if name == "n2" else "ssd"}
    return Node(name, {"cpu": 500, "pods": 3}, labels)


def _labelled(key: str, value: str) -> Callable[[Node], Node]:
    def change(node: Node) -> Node:
        labels = {k: v for k, v in node.labels.items() if k != key}
        return replace(node, labels={**labels, key: value} if value else labels)

    return change


def _with(**fields: Any) -> Callable[[Node], Node]:  # noqa: ANN401 - fields by name
    return lambda node: replace(node, **fields)


_DOMAINS = tuple(_labelled("zone", value) for value in ("", "a", "b"))
_DISKS = tuple(_labelled("disk", value) for value in ("", "ssd", "hdd"))
_TAINTS = tuple(_with(taints=taints) for taints in ((), (Taint("x"),), (Taint("y"),)))
_STATES = (
    *(_with(is_ready=is_ready) for is_ready in (True, False)),
    *(_with(is_unschedulable=is_unschedulable) for is_unschedulable in (True, False)),
)
_SIZES = (
    *(_with(allocatable={"cpu": milli, "pods": 3}) for milli in (100, 500, 900)),
    *(_with(allocatable={"cpu": 500, "pods": count}) for count in (1, 2)),
)
_CHANGES = {
    "nodes": (*_DISKS, *_TAINTS, *_STATES),
    "room": _SIZES,
    "ports": (*_TAINTS, *_SIZES),
    "spread": (*_DOMAINS, *_DOMAINS, *_DISKS, *_TAINTS),
    "affinity": (*_DOMAINS, *_DISKS),
    "delays": (*_TAINTS, *_STATES),
    "storage": (*_DOMAINS, *_DISKS, *_STATES),
    "all of it": (*_DOMAINS, *_DISKS, *_TAINTS, *_STATES, *_SIZES),
}


def changes(node: Node, theme: str) -> st.SearchStrategy[Node]:
    """Draw a node with one thing otherwise."""
    return one_of(*(other for change in _CHANGES[theme] if (other := change(node)) != node))
