"""On tiny problems the search finds what trying everything finds, and claims no more."""

from itertools import product

import numpy as np
import pytest

from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverEffortSettings, CoverSettings
from tests.builders import node, pod, rtt_ms, within

CASES = 40
Score = tuple[int, int, int]
"""Pods left out, pods uncovered, CPU reserved: less is better, the first first."""


def tiny(seed: int) -> ClusterSnapshot:
    """Return 2 to 4 nodes and 2 to 4 pods that fill much of them."""
    rng = np.random.default_rng(seed)
    n, many = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    names = [f"n{k}" for k in range(n)]
    at = rng.uniform(0, 20, n)
    pods = [
        pod(
            f"p{k}",
            cpu_milli=int(rng.integers(1, 4)) * 100,
            delays=(within(float(rng.integers(4, 20)), str(rng.choice(names))),),
        )
        for k in range(many)
    ]
    nodes = [node(name, cpu_milli=int(rng.integers(2, 8)) * 100) for name in names]
    return build_snapshot(nodes, pods, rtt=rtt_ms(names, np.abs(at[:, None] - at).tolist()))


def best(snapshot: ClusterSnapshot, *, is_must: bool) -> Score:
    """Try every host and backup of every pod."""
    table = snapshot.nodes
    room = table.allocatable[:, table.resources.index("cpu")].tolist()
    sizes = [dict(one.pod_class.requests)["cpu"] for one in snapshot.pending]
    choices: list[list[tuple[int, int]]] = []
    for one in snapshot.pending:
        delay = one.pod_class.delays[0]
        row = snapshot.rtt_from(delay.reference.name)
        near = [k for k in range(len(room)) if row[k] <= delay.within_us]
        pairs = [(h, b) for h in near for b in near if h != b]
        choices.append([(-1, -1), *([] if is_must else [(h, -1) for h in near]), *pairs])
    scores = (_score(chosen, sizes, room) for chosen in product(*choices))
    return min(score for score in scores if score is not None)


def _score(chosen: tuple[tuple[int, int], ...], sizes: list[int], room: list[int]) -> Score | None:
    free, load = list(room), dict[tuple[int, int], int]()
    out = bare = 0
    for (host, backup), size in zip(chosen, sizes, strict=True):
        if host < 0:
            out += 1
            continue
        free[host] -= size
        if backup < 0:
            bare += 1
        else:
            load[host, backup] = load.get((host, backup), 0) + size
    total = 0
    for k, left in enumerate(free):
        reserve = max((amount for (_, b), amount in load.items() if b == k), default=0)
        if reserve > left:
            return None
        total += reserve
    return out, bare, total


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_a_search_finds_the_optimum_of_tiny_cases_and_claims_no_better(mode: str) -> None:
    effort = CoverEffortSettings(search=1_500)
    fullest = found = 0
    for seed in range(CASES):
        snapshot = tiny(seed)
        covering = CoverSettings(mode=mode, effort=effort)  # type: ignore[arg-type] # its literals
        made = plan(snapshot, PlacementSettings(), covering)
        bare = sum(not a.backup for a in made.assignments)
        reserved = made.stats.cover.reserve.get("cpu", 0)
        score = len(made.unplaced), bare, reserved
        optimum = best(snapshot, is_must=mode == "required")
        assert score >= optimum, seed
        fullest += score[:2] == optimum[:2]
        found += score == optimum
    assert fullest >= 0.95 * CASES
    assert found >= 0.95 * CASES
