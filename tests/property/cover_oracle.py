"""Little clusters with cover, and a naive judge of their plans: dictionaries, one pod at a time.

Shares no code with the scheduler but the words of its domain, nor with its checker.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from scheduler.domain.cover import FailureUnit
from scheduler.domain.node import FAILURE_DOMAIN_LABEL
from scheduler.domain.plan import Plan
from scheduler.domain.resources import CPU, PODS
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.reliability.cover.settings import CoverSettings
from tests.property.little_clusters import NODE_NAMES, Little, is_right, little_clusters

SITES = ("", "here", "there")
ROOMY = {CPU: 10**9, PODS: 10**6}


@dataclass(frozen=True)
class Covered:
    """A little cluster, and what its nodes fail with."""

    little: Little
    zone_of: tuple[int, ...]

    @property
    def snapshot(self) -> ClusterSnapshot:
        """The cluster, frozen."""
        names = tuple(f"z{k}" for k in range(4))
        layer = Layer(5_000, np.array(self.zone_of, dtype=np.int32), names)
        return replace(self.little.snapshot, zones=ZoneTree(NODE_NAMES, (layer,)))

    def unit(self, on: str, unit: FailureUnit) -> str:
        """Return the name of what a node fails with."""
        at = NODE_NAMES.index(on)
        site = self.little.nodes[at].labels.get(FAILURE_DOMAIN_LABEL, "")
        if unit == "domain" and site:
            return f"site {site}"
        if unit == "zone" and self.zone_of[at] >= 0:
            return f"zone {self.zone_of[at]}"
        return f"node {on}"


@st.composite
def covered_clusters(draw: st.DrawFn) -> Covered:
    """Draw a little cluster in which some pods that run have a backup, right or wrong."""
    little = draw(little_clusters())
    spots = [
        (replace(one, uid=one.name, backup=draw(st.sampled_from(["", "", *NODE_NAMES]))), on)
        for one, on in little.placed
    ]
    urgency = {one.key: draw(st.sampled_from([0, 0, 10])) for one in little.pending}
    return Covered(
        replace(
            little,
            nodes=tuple(
                replace(
                    one,
                    labels={**one.labels, FAILURE_DOMAIN_LABEL: draw(st.sampled_from(SITES))},
                )
                for one in little.nodes
            ),
            pending=tuple(
                replace(one, pod_class=replace(one.pod_class, priority=urgency[one.key]))
                for one in little.pending
            ),
            placed=tuple(
                (replace(one, backup="" if one.backup == on else one.backup), on)
                for one, on in spots
            ),
        ),
        tuple(draw(st.integers(-1, 1)) for _ in NODE_NAMES),
    )


def faults(world: Covered, made: Plan, settings: CoverSettings) -> list[str]:
    """Return what is wrong with a plan."""
    return [
        *_lost_pods(world, made),
        *_bad_placement(world, made),
        *_bad_backups(world, made, settings),
        *_no_room(world, made, settings),
        *_uncovered(made, settings),
    ]


def wants(one: Pod, settings: CoverSettings) -> bool:
    """Whether a pod is to be covered."""
    return settings.everyone or bool(one.pod_class.hard_delays)


def _lost_pods(world: Covered, made: Plan) -> Iterator[str]:
    said = [a.pod.key for a in made.assignments] + [u.pod.key for u in made.unplaced]
    if Counter(said) != Counter(one.key for one in world.little.pending):
        yield f"said of {said}"
    for one in made.unplaced:
        if not one.refusal.message:
            yield f"no reason for {one.pod.key}"


def _bad_placement(world: Covered, made: Plan) -> Iterator[str]:
    if not is_right(world.little, dict(made.placement)):
        yield f"wrong placement {dict(made.placement)}"


def _bad_backups(world: Covered, made: Plan, settings: CoverSettings) -> Iterator[str]:
    running = {one.key: (one, on) for one, on in world.little.placed}
    new = [(a.pod, a.node, a.backup) for a in made.assignments if a.backup]
    for key, backup in made.cover.backups.items():
        one, on = running[key]
        if one.backup or key in world.little.terminating:
            yield f"{key} runs, needs no backup, and got {backup}"
        new.append((one, on, backup))
    for one, on, backup in new:
        if world.unit(on, settings.unit) == world.unit(backup, settings.unit):
            yield f"{one.key} on {on}: {backup} fails with it"
        if not could_run(world.little, made.placement, one, backup):
            yield f"{one.key} on {on} could not run on {backup}"


def could_run(little: Little, placement: Mapping[str, str], one: Pod, on: str) -> bool:
    """Whether rules of nodes and budgets admit a pod there, were it not where it is."""
    rest = [
        *((p, n) for p, n in little.placed if p.key != one.key),
        *((p, placement[p.key]) for p in little.pending if p.key in placement and p.key != one.key),
    ]
    waiting = (p for p in little.pending if p.key not in placement and p.key != one.key)
    moved = replace(
        little,
        nodes=tuple(replace(node, allocatable=ROOMY) for node in little.nodes),
        placed=tuple(rest),
        pending=(one, *waiting),
        terminating=little.terminating - {one.key},
    )
    return is_right(moved, {one.key: on})


def sizes(one: Pod) -> dict[str, int]:
    """Return what a pod takes."""
    return {CPU: dict(one.pod_class.requests).get(CPU, 0), PODS: 1}


def reserves(world: Covered, made: Plan, unit: FailureUnit) -> dict[str, dict[str, int]]:
    """Return the worst single failure of each node, the plan carried out."""
    came = {a.replaces for a in made.assignments if a.replaces}  # their places are taken now
    covered = [
        (p, on, made.cover.backups.get(p.key, p.backup))
        for p, on in world.little.placed
        if p.uid not in came
    ]
    covered += [(a.pod, a.node, a.backup) for a in made.assignments]
    load: dict[tuple[str, str], Counter[str]] = {}
    for one, on, backup in covered:
        if backup:
            load.setdefault((backup, world.unit(on, unit)), Counter()).update(sizes(one))
    worst: dict[str, dict[str, int]] = {name: {CPU: 0, PODS: 0} for name in NODE_NAMES}
    for (backup, _), amounts in load.items():
        for name, amount in amounts.items():
            worst[backup][name] = max(worst[backup][name], amount)
    return worst


def _no_room(world: Covered, made: Plan, settings: CoverSettings) -> Iterator[str]:
    kept = reserves(world, made, settings.unit)
    added = {a.node for a in made.assignments if not a.replaces}
    added |= {a.backup for a in made.assignments if a.backup} | set(made.cover.backups.values())
    where = [*world.little.placed, *((a.pod, a.node) for a in made.assignments)]
    for node in world.little.nodes:
        if node.name not in added:
            continue
        used: Counter[str] = Counter()
        for one, on in where:
            used.update(sizes(one) if on == node.name else {})
        new = [a.pod for a in made.assignments if node.name in (a.node, a.backup)]
        new += [p for p, _ in world.little.placed if made.cover.backups.get(p.key) == node.name]
        asked = {name for one in new for name, amount in sizes(one).items() if amount}
        for name in sorted(asked):
            total = used[name] + kept[node.name][name]
            if total > node.allocatable[name] and kept[node.name][name]:
                yield f"{node.name}: {used[name]} used, {kept[node.name]} kept of {name}"


def _uncovered(made: Plan, settings: CoverSettings) -> Iterator[str]:
    told = {one.pod.key for one in made.cover.uncovered}
    for a in made.assignments:
        if not wants(a.pod, settings) or a.backup:
            continue
        if settings.mode == "required" and not a.replaces:
            yield f"{a.pod.key} placed without the backup it must have"
        if a.pod.key not in told:
            yield f"nobody is told that {a.pod.key} has no backup"
