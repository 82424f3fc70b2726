"""Gangs under contention: whole or not at all, and as many pods as an integer program places."""

import random
from collections import Counter

import pytest

from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.selector import NodeTerm, Requirement
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import node, pod
from tests.property.gang_program import Kind, most_placed

SETTINGS = PlacementSettings()


def case(seed: int) -> tuple[list[Kind], list[int]]:
    """Return gangs and lone pods that ask for more than there is."""
    rng = random.Random(seed)  # noqa: S311 - cases, no secrets
    room = [rng.choice((1_000, 2_000, 3_000, 4_000)) for _ in range(rng.randint(2, 6))]
    kinds: list[Kind] = []
    for number in range(rng.randint(2, 8)):
        least = rng.choice((0, 2, 2, 3, 4, 5))
        count = max(1, least + rng.choice((0, 0, 0, 1, 2)))
        nodes = [n for n in range(len(room)) if rng.random() < 0.8] or [0]
        size = rng.choice((400, 500, 700, 1_000))
        priority = rng.choice((0, 0, 0, 10))
        kinds.append(Kind(f"g{number}", size, count, least, priority, tuple(nodes)))
    return kinds, room


def snapshot_of(kinds: list[Kind], room: list[int]) -> ClusterSnapshot:
    """Return the case as a cluster."""
    nodes = [node(f"n{n}", cpu_milli=free, labels={"at": f"n{n}"}) for n, free in enumerate(room)]
    groups, pods = [], []
    for kind in kinds:
        ref = GroupRef(GroupApi.COSCHEDULING, "default", kind.name) if kind.least else None
        if ref is not None:
            groups.append(PodGroup(ref, kind.least))
        term = NodeTerm((Requirement("at", "In", tuple(f"n{n}" for n in kind.nodes)),))
        pods += [
            pod(
                f"{kind.name}-{k}",
                cpu_milli=kind.size,
                group=ref,
                priority=kind.priority,
                required_nodes=(term,),
            )
            for k in range(kind.count)
        ]
    pods.sort(key=lambda one: -one.pod_class.priority)
    return build_snapshot(nodes, pods, groups=groups)


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_no_gang_is_placed_in_part_and_few_pods_are_left_that_could_be_placed(first: int) -> None:
    short = most = 0
    for seed in range(first, first + 50):
        kinds, room = case(seed)
        decided = plan(snapshot_of(kinds, room), SETTINGS)  # the check refuses a partial gang
        placed = Counter(one.pod.name.partition("-")[0] for one in decided.assignments)
        best = most_placed(kinds, room)
        got = Counter(dict.fromkeys(best, 0))
        for kind in kinds:
            assert placed[kind.name] == 0 or placed[kind.name] >= kind.least, (seed, kind)
            got[kind.priority] += placed[kind.name]
        top = next(iter(best))
        assert got[top] <= best[top]
        weight = {p: 1 + 1_000 * rank for rank, p in enumerate(sorted(best))}
        mine = sum(weight[p] * got[p] for p in best)
        whole = sum(weight[p] * best[p] for p in best)
        most += whole
        short += whole - mine
    assert short <= 0.02 * most
