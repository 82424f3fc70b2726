"""`podgen` into a cluster: who is created, and when."""

import asyncio
from pathlib import Path

import pytest

from commands.podgen_live import arriving, create_pods
from scheduler.domain.errors import InputError
from scheduler.kube.client import connected
from scheduler.kube.creation import Created
from simulator.podgen.draw import draw
from simulator.podgen.mix import Mix, Range
from tests.rest_door import PODS, opened
from tests.scripted_api import write_kubeconfig


@pytest.mark.looptime
async def test_each_pod_comes_when_it_arrives() -> None:
    mix = Mix(6, arrival="poisson", rate=0.5)
    apps = draw(mix)
    now_s = asyncio.get_running_loop().time

    began_s = now_s()
    seen = [(obj["metadata"]["name"], now_s() - began_s) async for obj in arriving(mix, apps)]

    wanted = [(f"{app.name}-{k}", at_s) for app in apps for k, at_s in enumerate(app.arrives_s)]
    assert [name for name, _ in seen] == [name for name, _ in wanted]
    for (_, came_s), (_, arrives_s) in zip(seen, wanted, strict=True):
        assert came_s == pytest.approx(arrives_s, abs=0.01)


async def test_the_embedded_cluster_takes_them_and_takes_none_twice(tmp_path: Path) -> None:
    mix = Mix(25, delays=0.5, references=("edge-1",), anti_affinity=0.4)
    async with opened(tmp_path) as door:
        config = write_kubeconfig(tmp_path, door.server)
        async with connected(config) as client:
            first = await create_pods(client, mix, draw(mix))
            again = await create_pods(client, mix, draw(mix))
        found = await door.get(PODS)

    assert (first, again) == (Created(new=25), Created(there=25))
    assert {one["metadata"]["name"] for one in found["items"]} == {
        f"{app.name}-{k}" for app in draw(mix) for k in range(app.size)
    }


async def test_a_cluster_without_pod_groups_says_so_before_any_pod(tmp_path: Path) -> None:
    mix = Mix(4, gangs=1.0, gang_size=Range(4, 4))
    async with opened(tmp_path) as door:
        config = write_kubeconfig(tmp_path, door.server)
        async with connected(config) as client:
            with pytest.raises(InputError, match="PodGroup"):
                await create_pods(client, mix, draw(mix))
        found = await door.get(PODS)

    assert found["items"] == []
