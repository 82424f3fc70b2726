"""Whatever the cluster, a plan with cover keeps its promises, and a naive judge agrees."""

from dataclasses import replace

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.domain.cover import CoverMode, FailureUnit
from scheduler.domain.plan import Plan
from scheduler.placement.settings import EffortSettings, PlacementSettings
from scheduler.planning.plan import plan
from scheduler.reliability.cover.reserves import node_reserves
from scheduler.reliability.cover.settings import CoverEffortSettings, CoverSettings
from tests.property.cover_oracle import Covered, covered_clusters, faults, reserves, wants
from tests.property.test_plans_stand import _cluster as cluster

QUICK = PlacementSettings(effort=EffortSettings(columns_per_class=2))
EXAMPLES = settings(max_examples=70, suppress_health_check=list(HealthCheck))
EFFORTS = (
    CoverEffortSettings(passes=0),
    CoverEffortSettings(),
    CoverEffortSettings(search=200),
    CoverEffortSettings(search=200, covers_running=True),
)
UNITS: tuple[FailureUnit, ...] = ("node", "domain", "zone")


@st.composite
def asked(draw: st.DrawFn) -> CoverSettings:
    return CoverSettings(
        mode=draw(st.sampled_from(["preferred", "required"])),
        unit=draw(st.sampled_from(UNITS)),
        everyone=draw(st.booleans()),
        effort=draw(st.sampled_from(EFFORTS)),
    )


@EXAMPLES
@given(covered_clusters(), asked())
def test_a_plan_keeps_every_rule_of_cover(world: Covered, covering: CoverSettings) -> None:
    made = plan(world.snapshot, QUICK, covering)

    assert faults(world, made, covering) == []


@EXAMPLES
@given(covered_clusters(), asked())
def test_what_a_plan_says_is_reserved_is_the_worst_single_failure(
    world: Covered, covering: CoverSettings
) -> None:
    snapshot = world.snapshot
    made = plan(snapshot, QUICK, covering)

    alive = {one.name for one in world.little.nodes if one.is_ready}
    told = {one.node: dict(one.amounts) for one in node_reserves(snapshot, made, covering.unit)}
    if all(on in alive for _, on in world.little.placed):
        worst = reserves(world, made, covering.unit)
        assert told == {
            node: {name: amount for name, amount in amounts.items() if amount}
            for node, amounts in worst.items()
            if any(amounts.values())
        }


@EXAMPLES
@given(covered_clusters(), asked())
def test_the_same_cluster_gives_the_same_plan(world: Covered, covering: CoverSettings) -> None:
    assert plan(world.snapshot, QUICK, covering) == plan(world.snapshot, QUICK, covering)


def _placed_by_mode(world: Covered, covering: CoverSettings) -> dict[str, Plan]:
    modes: tuple[CoverMode, ...] = ("off", "preferred", "required")
    asked = {mode: msgspec.structs.replace(covering, mode=mode) for mode in modes}
    return {mode: plan(world.snapshot, QUICK, one) for mode, one in asked.items()}


@EXAMPLES
@given(covered_clusters(), asked())
def test_preferring_cover_costs_no_pod_its_place_and_requiring_it_gains_none(
    world: Covered, covering: CoverSettings
) -> None:
    made = _placed_by_mode(_without_reserves(world), covering)

    placed = {mode: len(one.assignments) for mode, one in made.items()}
    assert placed["off"] <= placed["preferred"]
    assert placed["required"] <= placed["preferred"]
    bare = [a for a in made["required"].assignments if not a.backup]
    assert not any(wants(a.pod, covering) for a in bare)
    assert not any(a.backup for a in made["off"].assignments)


def _without_reserves(world: Covered) -> Covered:
    placed = tuple((replace(one, backup=""), on) for one, on in world.little.placed)
    return replace(world, little=replace(world.little, placed=placed))


@settings(max_examples=100)
@given(st.integers(0, 1_000_000), asked())
def test_a_plan_of_everything_together_with_cover_passes_the_checker(
    number: int, covering: CoverSettings
) -> None:
    snapshot = cluster(number)

    made = plan(snapshot, PlacementSettings(), covering)  # raises where the checker objects

    decided = [a.pod.key for a in made.assignments] + [u.pod.key for u in made.unplaced]
    assert sorted(decided) == sorted(one.key for one in snapshot.pending)
