"""The pods of the benchmark of rules: classes of ten kinds, each with the nodes it may run on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rule_floor import (
    BATCH,
    DISK_KEY,
    GENERATION_KEY,
    HOST_KEY,
    POOL_KEY,
    RACK_KEY,
    ZONE_KEY,
    ZONES,
    Floor,
    zone_name,
)
from scheduler.domain.between import HostPort, PodTerm, SpreadConstraint, WeightedPodTerm
from scheduler.domain.delay import DelayConstraint, Reference
from scheduler.domain.resources import CPU, MEMORY, resources
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.workload import NodeTerm, PodClass, PreferredTerm, Toleration, WorkloadRef

NAMESPACES = tuple(f"team-{number}" for number in range(8))
MIB = 2**20

_BUDGETS_US = (10_000, 25_000, 50_000)
_PRIORITIES, _PRIORITY_SHARES = (0, 100, 1_000), (0.88, 0.10, 0.02)
_ONE_NODE_EACH = frozenset({"anti-affinity", "host port"})
_FIRST_PORT = 8_000

Mask = NDArray[np.bool_]
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A class, and where its running pods may be, shape ``(n,)``."""

    kind: str
    pod_class: PodClass
    homes: Mask

    @property
    def wants_own_node(self) -> bool:
        """Whether no two of its pods may share a node."""
        return self.kind in _ONE_NODE_EACH


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """What a kind may look at to say what its pods ask."""

    number: int
    app: str
    namespace: str
    floor: Floor
    rng: np.random.Generator

    @property
    def turn(self) -> int:
        """How many times all kinds were gone through before."""
        return self.number // _TURN

    @property
    def own(self) -> LabelSelector:
        return _carries("app", self.app)

    @property
    def neighbour(self) -> LabelSelector:
        """The first workload of the turn: in the same namespace, and plain."""
        return _carries("app", app_name(self.turn * _TURN))

    def near(self, key: str, selector: LabelSelector) -> PodTerm:
        return PodTerm(key, selector, (self.namespace,))


def namespace_labels(number: int) -> dict[str, str]:
    """Return the labels of a namespace: every other one is shared."""
    return {"tier": "own" if number % 2 else "shared"}


def app_name(number: int) -> str:
    """Return the name of a workload."""
    return f"app-{number}"


def make_classes(floor: Floor, count: int, seed: int) -> tuple[Made, ...]:
    """Return `count` classes, their kinds in turn."""
    rng = np.random.default_rng(seed)
    return tuple(_made(floor, number, rng) for number in range(count))


def filler() -> PodClass:
    """Return the class of pods that ask for nothing but room, to make a number up."""
    return _pod_class("filler", NAMESPACES[0], {CPU: 100, MEMORY: 128 * MIB}, {})


def _made(floor: Floor, number: int, rng: np.random.Generator) -> Made:
    kind = _KINDS[number % _TURN]
    namespace = NAMESPACES[number // _TURN % len(NAMESPACES)]
    draft = _Draft(number, app_name(number), namespace, floor, rng)
    fields, homes = _MAKERS[kind](draft)
    wanted = {
        CPU: int(rng.choice([100, 250, 500])),
        MEMORY: int(rng.choice([128, 256, 512])) * MIB,
    }
    fields["priority"] = int(rng.choice(_PRIORITIES, p=_PRIORITY_SHARES))
    return Made(kind, _pod_class(draft.app, namespace, wanted, fields), homes)


def _pod_class(app: str, namespace: str, wanted: dict[str, int], fields: Fields) -> PodClass:
    labels = (("app", app), ("tier", "noisy" if app.endswith("0") else "quiet"))
    return PodClass(
        namespace=namespace,
        workload=WorkloadRef("Deployment", namespace, app),
        labels=labels,
        requests=resources(wanted),
        **fields,
    )


def _carries(key: str, value: str) -> LabelSelector:
    return LabelSelector((Requirement(key, "In", (value,)),))


# One maker a kind: what its pods ask, and the nodes that allow it


def _plain(draft: _Draft) -> tuple[Fields, Mask]:
    return {}, draft.floor.is_open


def _node_affinity(draft: _Draft) -> tuple[Fields, Mask]:
    floor, zone = draft.floor, zone_name(draft.turn % ZONES)
    match draft.turn % 4:
        case 0:
            asked, homes = Requirement(DISK_KEY, "In", ("ssd",)), floor.carries(DISK_KEY, "ssd")
        case 1:
            asked, homes = Requirement(ZONE_KEY, "NotIn", (zone,)), ~floor.carries(ZONE_KEY, zone)
        case 2:
            asked = Requirement(GENERATION_KEY, "Gt", ("3",))
            homes = floor.carries(GENERATION_KEY, "4", "5")
        case _:
            wish = PreferredTerm(50, NodeTerm((Requirement(ZONE_KEY, "In", (zone,)),)))
            fields = {"node_selector": ((DISK_KEY, "hdd"),), "preferred_nodes": (wish,)}
            return fields, floor.is_open & floor.carries(DISK_KEY, "hdd")
    return {"required_nodes": (NodeTerm((asked,)),)}, floor.is_open & homes


def _toleration(draft: _Draft) -> tuple[Fields, Mask]:
    is_batch = draft.floor.carries(POOL_KEY, "batch")
    bears = (Toleration(BATCH.key, "Equal", BATCH.value, BATCH.effect),)
    if draft.turn % 2:
        return {"tolerations": bears}, draft.floor.is_open
    return {"tolerations": bears, "node_selector": ((POOL_KEY, "batch"),)}, is_batch


def _hard_spread(draft: _Draft) -> tuple[Fields, Mask]:
    skew = 1 + draft.turn % 5
    hard = SpreadConstraint(
        ZONE_KEY,
        skew,
        is_hard=True,
        selector=draft.own,
        min_domains=ZONES // 2 if draft.turn % 4 == 3 else 1,  # noqa: PLR2004 - one in four
        honors_taints=draft.turn % 3 == 0,
    )
    soft = SpreadConstraint(RACK_KEY, 1, is_hard=False, selector=draft.own)
    both = (hard, soft) if draft.turn % 2 else (hard,)
    return {"spread": both}, draft.floor.is_open


def _soft_spread(draft: _Draft) -> tuple[Fields, Mask]:
    soft = tuple(
        SpreadConstraint(key, 3, is_hard=False, selector=draft.own) for key in (ZONE_KEY, HOST_KEY)
    )
    return {"spread": soft}, draft.floor.is_open


def _anti_affinity(draft: _Draft) -> tuple[Fields, Mask]:
    away = [draft.near(HOST_KEY, draft.own)]
    if draft.turn % 8 == 0:
        shared = _carries("tier", "shared")
        away.append(PodTerm(HOST_KEY, _carries("tier", "noisy"), (), shared))
    return {"pod_anti_affinity": tuple(away)}, draft.floor.is_open


def _affinity(draft: _Draft) -> tuple[Fields, Mask]:
    floor = draft.floor
    if draft.turn % 2:
        return {"pod_affinity": (draft.near(ZONE_KEY, draft.neighbour),)}, floor.is_open
    in_zone = floor.zone_of == draft.turn % ZONES
    return {"pod_affinity": (draft.near(ZONE_KEY, draft.own),)}, floor.is_open & in_zone


def _preferred(draft: _Draft) -> tuple[Fields, Mask]:
    wishes = (
        WeightedPodTerm(-int(draft.rng.integers(1, 101)), draft.near(HOST_KEY, draft.own)),
        WeightedPodTerm(int(draft.rng.integers(1, 101)), draft.near(ZONE_KEY, draft.neighbour)),
    )
    return {"preferred_pods": wishes[: 1 + draft.turn % 2]}, draft.floor.is_open


def _host_port(draft: _Draft) -> tuple[Fields, Mask]:
    port = HostPort("0.0.0.0", "TCP", _FIRST_PORT + draft.number)  # noqa: S104 - every address
    return {"host_ports": (port,)}, draft.floor.is_open


def _delay(draft: _Draft) -> tuple[Fields, Mask]:
    floor = draft.floor
    row = int(draft.rng.integers(len(floor.nodes)))
    within_us = int(draft.rng.choice(_BUDGETS_US))
    reference = Reference("node", floor.nodes[row].name, draft.namespace)
    is_near = floor.rtt.from_node(row) <= within_us
    return {"delays": (DelayConstraint(reference, within_us),)}, floor.is_open & is_near


_MAKERS: dict[str, Callable[[_Draft], tuple[Fields, Mask]]] = {
    "plain": _plain,
    "node affinity": _node_affinity,
    "toleration": _toleration,
    "hard spread": _hard_spread,
    "soft spread": _soft_spread,
    "anti-affinity": _anti_affinity,
    "affinity": _affinity,
    "preferred": _preferred,
    "host port": _host_port,
    "delay": _delay,
}
_IN_TWENTY = {
    "plain": 6,
    "node affinity": 2,
    "hard spread": 2,
    "anti-affinity": 2,
    "preferred": 2,
    "delay": 2,
}
_KINDS = tuple(kind for kind in _MAKERS for _ in range(_IN_TWENTY.get(kind, 1)))
_TURN = len(_KINDS)
KINDS = tuple(_MAKERS)
"""Of twenty classes six are plain, and of most others one or two."""
