"""Plans of rules, volumes, delays, priorities and nominated nodes together pass the checker."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.objects.pod import read_pod_changed
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import rtt_ms
from tests.parity.batches import seeded_batch
from tests.parity.ours import snapshot_of

LIMITS = PlacementSettings()


def _delays(random: Random, pods: list[Pod], nodes: list[str]) -> tuple[DelayConstraint, ...]:
    of_workload = sorted({(w.name, p.namespace) for p in pods if (w := p.pod_class.workload)})
    found = []
    for _ in range(random.choice((0, 1, 1, 2)) if of_workload else 0):
        name, namespace = random.choice(of_workload)
        kind = random.choice(("workload", "workload", "node", "pod"))
        named = {"workload": name, "node": random.choice(nodes), "pod": f"{name}-0"}[kind]
        found.append(
            DelayConstraint(
                Reference(kind, named, namespace),  # type: ignore[arg-type]
                random.randint(1, 30) * 1000,
                random.choice((None, None, *Quantifier)),
                random.random() < 0.2,
                written="d",
            )
        )
    return tuple(found)


def _cluster(number: int) -> ClusterSnapshot:
    batch, random = seeded_batch(9, number), Random(number)  # noqa: S311 - no secret
    pods = [read_pod_changed(one).pod for one in batch.pods()]
    nodes = [one["metadata"]["name"] for one in batch.world["nodes"]]
    classes: dict[PodClass, PodClass] = {}
    for one in pods:
        if one.pod_class not in classes:
            delays = _delays(random, pods, nodes)
            priority = random.choice((0, 0, 10, 100))
            classes[one.pod_class] = replace(one.pod_class, delays=delays, priority=priority)
    changed = [replace(one, pod_class=classes[one.pod_class]) for one in pods]
    nominated = [
        replace(one, nominated_node=random.choice(nodes)) if random.random() < 0.1 else one
        for one in changed
    ]
    held = [
        replace(one, name=f"held-{one.name}", nominated_node=random.choice(nodes))
        for one in changed[: random.choice((0, 0, 1, 2))]
    ]
    rows = [[0.0 if a == b else random.randint(0, 25) for a in nodes] for b in nodes]
    snapshot = snapshot_of(batch.world, nominated)
    return replace(snapshot, rtt=rtt_ms(nodes, rows), held=tuple(held))


@settings(max_examples=300)
@given(st.integers(0, 1_000_000))
def test_a_plan_of_everything_together_passes_the_checker(number: int) -> None:
    snapshot = _cluster(number)

    made = plan(snapshot, LIMITS)  # raises where the checker finds a violation

    decided = [a.pod.key for a in made.assignments] + [u.pod.key for u in made.unplaced]
    assert sorted(decided) == sorted(one.key for one in snapshot.pending)
