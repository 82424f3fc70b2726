"""Patches that a controller's write comes between."""

import asyncio
import json
from pathlib import Path

import pytest

from simulator.change import ObjectKey, Refused
from simulator.command import Create
from simulator.rest.patching import JSON_PATCH, MERGE, STRATEGIC, patch
from simulator.rest.registry import Registry
from simulator.rest.resources import target_of
from simulator.rest.writing import Sent
from simulator.running import RunningWorld
from simulator.world import Options, open_world
from tests.contract.doors import SCENARIO
from tests.simulated import deployment_object

WEB = "/apis/apps/v1/namespaces/default/deployments/web"


@pytest.fixture
async def registry(tmp_path: Path) -> Registry:
    """Give a world with a Deployment whose controller is about to write its status."""
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    running = RunningWorld(open_world(Options(scenario=path)), speed=10_000.0)
    running.now_s()
    running.execute(Create(deployment_object("web", 2)))
    # Nobody lets the world live: what falls due in these 100 s is done by the next write.
    await asyncio.sleep(0.01)
    return Registry(running)


@pytest.mark.parametrize(
    ("form", "change"),
    [
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 6}]),
        (MERGE, {"spec": {"replicas": 6}}),
        (STRATEGIC, {"spec": {"replicas": 6}}),
    ],
)
async def test_a_patch_of_no_version_is_applied_to_what_there_is(
    registry: Registry, form: str, change: object
) -> None:
    patch(registry, target_of(WEB), Sent(json.dumps(change).encode(), form, {}))

    stored = registry.running.cluster.get(ObjectKey("Deployment", "default", "web"))
    assert stored is not None
    assert stored["spec"]["replicas"] == 6
    assert stored["status"]["replicas"] == 2  # of the write that came between


async def test_a_patch_of_a_version_that_is_past_is_refused(registry: Registry) -> None:
    stored = registry.running.cluster.get(ObjectKey("Deployment", "default", "web"))
    assert stored is not None
    version = stored["metadata"]["resourceVersion"]
    change = {"metadata": {"resourceVersion": version}, "spec": {"replicas": 6}}

    with pytest.raises(Refused, match="has been modified"):
        patch(registry, target_of(WEB), Sent(json.dumps(change).encode(), MERGE, {}))
