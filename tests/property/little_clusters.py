"""Little random clusters, a naive placer and a naive judge, to hold the checker against.

Everything here is written for being obviously right, on dictionaries and one pod at a time.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.node import Node, Taint
from scheduler.domain.plan import Assignment, Measured, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, Service, Toleration, WorkloadRef
from tests.builders import node, pod, rtt_ms

NODE_NAMES = ("n0", "n1", "n2", "n3")
WORKLOADS = ("w0", "w1", "n3")  # the last one also names a node, and pods of w0 are named w0-…
SERVICES = ("w1", "s")
POD_NAMES = ("p0", "w0-0", "w0-1", "w0-2", "w1-0", "w1-1", "n3-0", "p1")


@dataclass(frozen=True)
class Little:
    """A cluster before it is frozen."""

    nodes: tuple[Node, ...]
    pending: tuple[Pod, ...]
    placed: tuple[tuple[Pod, str], ...]
    terminating: frozenset[str]
    services: tuple[Service, ...]
    rows_ms: tuple[tuple[int, ...], ...]

    @property
    def snapshot(self) -> ClusterSnapshot:
        """The cluster, frozen."""
        return build_snapshot(
            self.nodes,
            self.pending,
            placed=self.placed,
            terminating=self.terminating,
            services=self.services,
            rtt=rtt_ms(NODE_NAMES, self.rows_ms),
        )

    def rtt_us(self, reference: str, host: str) -> int | None:
        """Return the RTT measured from `reference`, None if nobody measured it."""
        if reference == host:
            return 0
        i, j = NODE_NAMES.index(reference), NODE_NAMES.index(host)
        ms = self.rows_ms[i][j] if self.rows_ms[i][j] >= 0 else self.rows_ms[j][i]
        return None if ms < 0 else ms * 1000


@st.composite
def delays(draw: st.DrawFn, owner: str) -> DelayConstraint:
    kind = draw(st.sampled_from(["auto", "auto", "auto", "node", "service", "workload", "pod"]))
    name = draw(
        st.sampled_from([*NODE_NAMES[:2], *WORKLOADS, "s", "p0", "w0-0", "nobody", owner, owner])
    )
    soft = st.sampled_from([False, False, False, True])
    of = draw(st.sampled_from([None, None, *Quantifier]))
    reference = Reference(kind, name, "default")  # type: ignore[arg-type] # drawn from its literals
    return DelayConstraint(reference, draw(st.integers(1, 30)) * 1000, of, draw(soft))


@st.composite
def pods(draw: st.DrawFn, name: str) -> Pod:
    owner = name.rpartition("-")[0]
    return pod(
        name,
        cpu_milli=draw(st.sampled_from([0, 300, 700])),
        workload=WorkloadRef("Deployment", "default", owner) if owner else None,
        labels=(("app", owner or "none"),),
        delays=tuple(draw(st.lists(delays(owner or "s"), max_size=2))),
        tolerations=draw(st.sampled_from([(), (Toleration("k", "Exists"),)])),
        node_selector=draw(st.sampled_from([(), (), (("disk", "ssd"),)])),
    )


@st.composite
def fellows(draw: st.DrawFn, name: str) -> Pod:
    """Draw a pod that nothing keeps from a node but the delay to its own workload or Service."""
    owner = name.rpartition("-")[0] or "w1"
    reference = Reference("auto", draw(st.sampled_from([owner, "s"])), "default")
    of = draw(st.sampled_from([None, *Quantifier]))
    return pod(
        name,
        cpu_milli=0,
        workload=WorkloadRef("Deployment", "default", owner),
        labels=(("app", owner),),
        delays=(DelayConstraint(reference, draw(st.integers(5, 30)) * 1000, of),),
    )


@st.composite
def hosts(draw: st.DrawFn, name: str) -> Node:
    return node(
        name,
        cpu_milli=draw(st.sampled_from([500, 1_000, 2_000])),
        labels={"disk": draw(st.sampled_from(["ssd", "ssd", "hdd"]))},
        taints=draw(st.sampled_from([(), (), (Taint("k"),)])),
        is_ready=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def little_clusters(draw: st.DrawFn) -> Little:
    is_tame = draw(st.booleans())
    everyone = [draw(fellows(name) if is_tame else pods(name)) for name in POD_NAMES]
    fate = [draw(st.sampled_from(["", "", *NODE_NAMES])) for _ in everyone]
    placed = tuple((one, on) for one, on in zip(everyone, fate, strict=True) if on)
    leaving = frozenset(one.key for one, _ in placed if draw(st.integers(0, 4)) == 0)
    far = st.integers(0 if is_tame else -1, 30)
    return Little(
        nodes=tuple(node(name) if is_tame else draw(hosts(name)) for name in NODE_NAMES),
        pending=tuple(one for one, on in zip(everyone, fate, strict=True) if not on),
        placed=placed,
        terminating=leaving,
        services=tuple(Service("default", name, (("app", "w1"),)) for name in SERVICES),
        rows_ms=tuple(tuple(draw(far) for _ in NODE_NAMES) for _ in NODE_NAMES),
    )


@st.composite
def placements(draw: st.DrawFn, little: Little) -> dict[str, str]:
    """Draw any placement at all, right or wrong."""
    chosen = {one.key: draw(st.sampled_from(["", *NODE_NAMES])) for one in little.pending}
    return {key: on for key, on in chosen.items() if on}


def is_right(little: Little, placement: dict[str, str]) -> bool:
    """Judge a placement one pod and one rule at a time."""
    by_key = {one.key: one for one in little.pending}
    return all(
        _node_takes(by_key[key], _node(little, on)) and _delays_hold(little, placement, by_key[key])
        for key, on in placement.items()
    ) and all(_has_room(little, placement, host) for host in little.nodes)


def placed_in_turn(little: Little, order: list[str]) -> dict[str, str]:
    """Place pods one after the other on the first node that leaves everything right."""
    placement: dict[str, str] = {}
    for _ in range(2):  # the second turn is for pods whose reference came later
        for one in little.pending:
            for on in () if one.key in placement else order:
                if is_right(little, {**placement, one.key: on}):
                    placement[one.key] = on
                    break
    return placement


def plan_of(little: Little, placement: dict[str, str]) -> Plan:
    """Return a plan that quotes what is so."""
    made, waiting = [], []
    for one in little.pending:
        if one.key in placement:
            quoted = tuple(
                said
                for delay in one.pod_class.delays
                if (said := _measured(little, placement, one, delay)) is not None
            )
            made.append(Assignment(one, placement[one.key], quoted))
        else:
            waiting.append(Unplaced(one, Refusal(len(little.nodes))))
    return Plan(tuple(made), tuple(waiting))


def _node(little: Little, name: str) -> Node:
    return next(host for host in little.nodes if host.name == name)


def _node_takes(one: Pod, host: Node) -> bool:
    spec = one.pod_class
    return (
        host.is_ready
        and (not host.taints or bool(spec.tolerations))
        and all(host.labels.get(key) == value for key, value in spec.node_selector)
    )


def _has_room(little: Little, placement: dict[str, str], host: Node) -> bool:
    def cpu(one: Pod) -> int:
        return dict(one.pod_class.requests).get("cpu", 0)

    running = sum(cpu(one) for one, on in little.placed if on == host.name)
    added = sum(cpu(one) for one in little.pending if placement.get(one.key) == host.name)
    return added == 0 or running + added <= host.allocatable["cpu"]


def _replicas(
    little: Little, placement: dict[str, str], reference: Reference
) -> dict[str, str] | None:
    """Return pod key to node of what a reference stands for, None for nobody."""
    everyone = [*little.pending, *(one for one, _ in little.placed)]
    where = {one.key: on for one, on in little.placed if one.key not in little.terminating}
    where.update(placement)
    groups: dict[str, dict[str, str] | None] = {
        "node": {"": reference.name} if reference.name in NODE_NAMES else None,
        "service": _where(everyone, where, "w1") if reference.name in SERVICES else None,
        "workload": _where(everyone, where, reference.name)
        if any(_owner(one) == reference.name for one in everyone)
        else None,
        "pod": {k: on for k, on in where.items() if k == f"default/{reference.name}"}
        if reference.name in POD_NAMES
        else None,
    }
    if reference.kind != "auto":
        return groups[reference.kind]
    return next((found for found in groups.values() if found is not None), None)


def _owner(one: Pod) -> str:
    return one.pod_class.workload.name if one.pod_class.workload else ""


def _where(everyone: list[Pod], where: dict[str, str], owner: str) -> dict[str, str]:
    return {
        one.key: where[one.key] for one in everyone if _owner(one) == owner and one.key in where
    }


def _deciding(
    little: Little, placement: dict[str, str], one: Pod, delay: DelayConstraint
) -> tuple[str, int] | None:
    """Return the deciding reference node and RTT, ("", 0) where nothing has to be near."""
    found = _replicas(little, placement, delay.reference)
    if found is None:
        return None
    others = {key: on for key, on in found.items() if key != one.key}
    is_own = len(others) < len(found)
    if not others:
        return ("", 0) if is_own else None
    rtts = [(little.rtt_us(on, placement[one.key]), on) for on in others.values()]
    known = [(rtt, on) for rtt, on in rtts if rtt is not None]
    default = Quantifier.ALL if is_own else Quantifier.ANY
    if (delay.quantifier or default) is Quantifier.ALL:
        return max(known)[::-1] if len(known) == len(rtts) else None
    return min(known)[::-1] if known else None


def _delays_hold(little: Little, placement: dict[str, str], one: Pod) -> bool:
    for delay in one.pod_class.hard_delays:
        found = _deciding(little, placement, one, delay)
        if found is None or found[1] > delay.within_us:
            return False
    return True


def _measured(
    little: Little, placement: dict[str, str], one: Pod, delay: DelayConstraint
) -> Measured | None:
    found = _deciding(little, placement, one, delay)
    if found is None:
        return Measured(delay, "", -1) if delay.is_soft else None
    return Measured(delay, *found) if found[0] else None
