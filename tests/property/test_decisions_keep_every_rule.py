"""Whatever pods refer to, the decision keeps every rule, and a naive judge agrees."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.placement.explain import explain
from scheduler.placement.settings import EffortSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.property.little_clusters import Little, is_right, little_clusters, placed_in_turn

QUICK = PlacementSettings(effort=EffortSettings(columns_per_class=2))
EXAMPLES = settings(
    max_examples=90, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@EXAMPLES
@given(little_clusters())
def test_a_decision_is_right_and_accounts_for_every_pod(little: Little) -> None:
    made = plan(little.snapshot, QUICK)

    assert is_right(little, dict(made.placement))
    said = Counter([a.pod.key for a in made.assignments] + [u.pod.key for u in made.unplaced])
    assert said == Counter(p.key for p in little.pending)


@EXAMPLES
@given(little_clusters())
def test_every_pod_can_be_explained(little: Little) -> None:
    snapshot = little.snapshot
    made = plan(snapshot, QUICK)

    for one in little.pending:
        answer = explain(snapshot, made, one.key, QUICK)
        assert (answer.node or None) == made.placement.get(one.key)
        assert answer.lines()


@EXAMPLES
@given(little_clusters(), st.permutations(["n0", "n1", "n2", "n3"]))
def test_placing_pods_one_by_one_never_places_more(little: Little, order: list[str]) -> None:
    made = plan(little.snapshot, QUICK)

    assert len(made.assignments) >= len(placed_in_turn(little, order))
