"""Objects created in numbers: what is sent, and what each answer means."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from aiohttp import web

from scheduler.domain.errors import InputError
from scheduler.kube.creation import Created, JsonObject, create_all
from tests.scripted_api import ScriptedApi, Sent, status


def a_pod(name: str) -> JsonObject:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "lab"}}


async def each(objects: Iterable[JsonObject]) -> AsyncIterator[JsonObject]:
    for obj in objects:
        yield obj


def name_of(sent: Sent) -> str:
    return str(sent.body["metadata"]["name"])


async def test_each_goes_to_its_collection(tmp_path: Path) -> None:
    api = ScriptedApi()
    group = {
        "apiVersion": "scheduling.x-k8s.io/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": "g", "namespace": "lab"},
    }
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "p"},
    }
    async with api.client(tmp_path) as client:
        created = await create_all(client, each([priority, group, a_pod("a")]))

    assert created == Created(new=3)
    assert {(one.method, one.path) for one in api.sent} == {
        ("POST", "/apis/scheduling.k8s.io/v1/priorityclasses"),
        ("POST", "/apis/scheduling.x-k8s.io/v1alpha1/namespaces/lab/podgroups"),
        ("POST", "/api/v1/namespaces/lab/pods"),
    }


async def test_what_is_there_already_is_counted_and_no_error(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda sent: (
        status(409, "already exists") if name_of(sent) == "old" else web.json_response({})
    )
    told: list[str] = []
    async with api.client(tmp_path) as client:
        created = await create_all(
            client,
            each([a_pod("old"), a_pod("new")]),
            lambda obj, _counts: told.append(obj["metadata"]["name"]),
        )

    assert created == Created(new=1, there=1)
    assert sorted(told) == ["new", "old"]


async def test_a_server_with_too_much_to_do_is_asked_again(tmp_path: Path) -> None:
    api = ScriptedApi()
    answers = [status(429, "too many", **{"Retry-After": "0"}), web.json_response({})]
    api.on_write = lambda _: answers.pop(0)
    async with api.client(tmp_path) as client:
        assert await create_all(client, each([a_pod("a")])) == Created(new=1)


async def test_what_may_have_been_created_without_an_answer_is_counted_apart(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    answers = [status(500, "etcd timed out"), status(409, "already exists")]
    api.on_write = lambda _: answers.pop(0)
    async with api.client(tmp_path) as client:
        assert await create_all(client, each([a_pod("a")])) == Created(unsure=1)


async def test_the_first_refusal_ends_all_and_says_what_helps(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: status(404, 'namespaces "lab" not found')
    async with api.client(tmp_path) as client:
        with pytest.raises(InputError) as refused:
            await create_all(client, each(a_pod(f"p{k}") for k in range(1_000)), concurrent=4)

    assert "kubectl create namespace lab" in refused.value.fix
    assert len(api.sent) < 1_000


async def test_no_more_requests_at_a_time_than_asked_for(tmp_path: Path) -> None:
    api = ScriptedApi()
    drawn = done = most = 0

    async def counted() -> AsyncIterator[JsonObject]:
        nonlocal drawn, most
        for k in range(20):
            drawn += 1
            most = max(most, drawn - done)
            yield a_pod(f"p{k}")
            await asyncio.sleep(0)

    def tell(_obj: JsonObject, _created: Created) -> None:
        nonlocal done
        done += 1

    async with api.client(tmp_path) as client:
        await create_all(client, counted(), tell, concurrent=3)

    assert most <= 4  # three under way, and the next one in hand
    assert done == 20
