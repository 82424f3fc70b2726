"""The demos are what they say: each budget can be met, except those that show the opposite."""

from pathlib import Path

import numpy as np
import pytest

from scheduler.domain.workload import Pod
from scheduler.objects.pod import read_pod
from simulator.expectation import expectation_of
from simulator.inventory import inventory_of_matrix
from simulator.manifests import read_manifests
from simulator.planetlab import load_snapshots
from simulator.scenario import parse_scenario, read_scenario
from simulator.world import Options, World, build, open_world

DEMO = Path(__file__).parents[3] / "demo"
SCENARIOS = sorted((DEMO / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def world() -> World:
    world = open_world(Options(home=DEMO.parent))
    world.submit(0)
    world.cluster.advance(5)
    return world


def test_every_manifest_says_what_to_look_for() -> None:
    files = sorted((DEMO / "deployments").glob("*.yaml"))

    assert len(files) >= 8
    for file in files:
        first, second = file.read_text(encoding="utf-8").splitlines()[:2]
        assert first.startswith("# "), file
        assert second.startswith("# Look for: "), file


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_runs_to_its_end(path: Path) -> None:
    world = open_world(Options(scenario=path))
    world.submit(0)

    for moment in world.moments:
        for command in moment.commands:
            world.cluster.apply(command, moment.at_s)
    end_s = max([moment.at_s for moment in world.moments] + [world.settles_after_s]) + 60
    world.cluster.advance(end_s)

    assert world.cluster.is_settled()
    assert world.cluster.all_of("Pod")


def test_all_demo_pods_are_ours(world: World) -> None:
    pods = world.cluster.all_of("Pod")

    assert {pod["spec"]["schedulerName"] for pod in pods} == {"custom-scheduler"}
    assert {expectation_of(pod) for pod in pods} == {"placed", "pending"}


def test_the_long_name_is_too_long_for_a_label_and_is_a_node(world: World) -> None:
    (long_name,) = read_scenario(DEMO / "scenarios" / "default.yaml").rename.values()

    assert len(f"delay_{long_name}") > 63
    assert long_name in [place.name for place in world.inventory.places]
    assert long_name in (DEMO / "deployments" / "07-long-name.yaml").read_text(encoding="utf-8")


def test_budgets_to_nodes_can_be_met_in_every_snapshot_but_for_the_impossible_one() -> None:
    snapshots = load_snapshots()
    scenario = read_scenario(DEMO / "scenarios" / "default.yaml")
    rows = inventory_of_matrix(snapshots[0], scenario.rename).rows
    for manifest in read_manifests(DEMO / "deployments"):
        template = manifest.object["spec"].get("template")
        if template is None:
            continue
        pod = read_pod({**template, "metadata": {**template["metadata"], "name": "x"}})
        can_be = all(_nodes_within(pod, rows, rtt_us) >= 4 for rtt_us in snapshots)
        assert can_be == (expectation_of(template) == "placed"), manifest.where


def _nodes_within(pod: Pod, rows: tuple[str, ...], rtt_us: np.ndarray) -> int:
    if pod.pod_class.faults:
        return 0
    is_near = np.ones(len(rows), dtype=bool)
    for delay in pod.pod_class.hard_delays:
        if delay.reference.name in rows:
            is_near &= rtt_us[rows.index(delay.reference.name)] <= delay.within_us
    return int(is_near.sum())


def test_the_scenario_of_the_readme_is_a_scenario(tmp_path: Path) -> None:
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0].replace("../deployments", "more.yaml")
    (tmp_path / "more.yaml").write_text(
        (DEMO / "deployments" / "01-near-a-node.yaml").read_text(encoding="utf-8")
    )

    made = build(parse_scenario(example, "README.md"), tmp_path / "s.yaml")

    assert len(made.moments) == 12
