"""Short words for tests about rules between pods: three zones of two hosts."""

from collections.abc import Sequence

from scheduler.domain.between import PodTerm, SpreadConstraint
from scheduler.domain.node import Node
from scheduler.domain.plan import Plan
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import node, pod

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
HOSTS = ("a1", "a2", "b1", "b2", "c1", "c2")
"""Named for their zone."""


def hosts(*, cpu_milli: int = 4_000, names: Sequence[str] = HOSTS) -> list[Node]:
    """Return the hosts, labelled with name and zone."""
    return [node(n, cpu_milli=cpu_milli, labels={ZONE: n[0], HOST: n}) for n in names]


def app(name: str) -> LabelSelector:
    """Return the selector of an app's pods."""
    return LabelSelector((Requirement("app", "In", (name,)),))


def near(name: str, key: str = ZONE, namespaces: tuple[str, ...] = ("default",)) -> PodTerm:
    """Return the term "where a pod of an app is"."""
    return PodTerm(key, app(name), namespaces)


def even(name: str, key: str = ZONE, *, skew: int = 1, is_hard: bool = True) -> SpreadConstraint:
    """Return the constraint that an app's pods lie evenly."""
    return SpreadConstraint(key, skew, is_hard, app(name))


def of_app(name: str, app_name: str, *, cpu_milli: int = 100, **spec: object) -> Pod:
    """Return a pod of an app."""
    return pod(name, cpu_milli=cpu_milli, labels=(("app", app_name),), **spec)


def many(count: int, app_name: str, *, cpu_milli: int = 100, **spec: object) -> list[Pod]:
    """Return replicas of an app, all of one class."""
    names = [f"{app_name}-{k}" for k in range(count)]
    return [of_app(name, app_name, cpu_milli=cpu_milli, **spec) for name in names]


def planned(
    pending: Sequence[Pod],
    *,
    placed: Sequence[tuple[Pod, str]] = (),
    nodes: Sequence[Node] | None = None,
    namespaces: dict[str, dict[str, str]] | None = None,
    leaving: Sequence[str] = (),
) -> Plan:
    """Plan pods on the hosts, checked independently; `leaving` are pods on their way out."""
    snapshot = build_snapshot(
        hosts() if nodes is None else nodes,
        pending,
        placed=placed,
        namespaces=namespaces or {"default": {}},
        terminating=frozenset(f"default/{name}" for name in leaving),
    )
    return plan(snapshot, PlacementSettings())
