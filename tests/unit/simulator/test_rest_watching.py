"""The REST door's watches: what is told, in which order, and when it is too late."""

from pathlib import Path

import pytest

from simulator.change import JsonObject
from simulator.command import Create
from tests.rest_door import MERGE, PODS, opened
from tests.simulated import pod_object


def told(event: JsonObject) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def test_a_watch_goes_on_where_a_list_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        version = (await door.get(PODS))["metadata"]["resourceVersion"]
        async with door.watch(f"{PODS}?watch=1&resourceVersion={version}") as events:
            await door.create(PODS, pod_object("b"))
            await door.patch(f"{PODS}/a", {"metadata": {"labels": {"x": "y"}}}, MERGE)
            await door.ask("DELETE", f"{PODS}/b")
            seen = [await anext(events) for _ in range(3)]
    assert [told(event) for event in seen] == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(versions)
    assert versions[0] > int(version)


async def test_a_watch_without_a_version_begins_with_what_there_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        async with door.watch(f"{PODS}?watch=true&timeoutSeconds=1") as events:
            seen = [told(event) async for event in events]
    assert seen == [("ADDED", "a")]


async def test_a_stream_ends_cleanly_with_a_bookmark(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        version = (await door.get("/api/v1/services"))["metadata"]["resourceVersion"]
        query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={version}"
        async with door.watch(f"/api/v1/services?{query}") as events:
            await door.create(PODS, pod_object("a"))
            seen = [event async for event in events]
        newest = (await door.get("/api/v1/services"))["metadata"]["resourceVersion"]
    assert [event["type"] for event in seen] == ["BOOKMARK"]
    assert seen[0]["object"]["kind"] == "Service"
    assert int(version) < int(seen[0]["object"]["metadata"]["resourceVersion"]) <= int(newest)


async def test_initial_events_are_marked_at_their_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
        async with door.watch(f"{PODS}?{query}&resourceVersionMatch=NotOlderThan") as events:
            seen = [await anext(events) for _ in range(2)]
    assert told(seen[0]) == ("ADDED", "a")
    marks = seen[1]["object"]["metadata"]["annotations"]
    assert (seen[1]["type"], marks) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})


async def test_an_object_enters_and_leaves_a_watch_with_its_labels(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        version = (await door.get(PODS))["metadata"]["resourceVersion"]
        query = f"watch=1&labelSelector=on%3Dyes&resourceVersion={version}"
        async with door.watch(f"{PODS}?{query}") as events:
            for value in ("yes", "yes", "no"):
                change = {"metadata": {"labels": {"on": value}, "annotations": {"n": value}}}
                await door.patch(f"{PODS}/a", change, MERGE)
            await door.patch(f"{PODS}/a", {"metadata": {"labels": {"on": "yes"}}}, MERGE)
            seen = [await anext(events) for _ in range(3)]
    assert [event["type"] for event in seen] == ["ADDED", "DELETED", "ADDED"]
    assert seen[1]["object"]["metadata"]["labels"] == {"on": "yes"}


async def test_a_version_that_is_not_kept_any_more_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, window=3) as door:
        version = (await door.get(PODS))["metadata"]["resourceVersion"]
        for k in range(4):
            await door.create(PODS, pod_object(f"p{k}"))
        answer = await door.ask("GET", f"{PODS}?watch=1&resourceVersion={version}")
    assert (answer.status, answer.body["reason"], answer.body["code"]) == (410, "Expired", 410)


async def test_a_watch_that_falls_behind_is_told_so_in_the_stream(tmp_path: Path) -> None:
    async with opened(tmp_path, window=3) as door:
        version = (await door.get(PODS))["metadata"]["resourceVersion"]
        async with door.watch(f"{PODS}?watch=1&resourceVersion={version}") as events:
            for name in "abcdefgh":  # without an await, so that the watch cannot keep up
                door.running.execute(Create(pod_object(name)))
            seen = [event async for event in events]
    assert [event["type"] for event in seen] == ["ERROR"]
    assert (seen[0]["object"]["code"], seen[0]["object"]["reason"]) == (410, "Expired")


@pytest.mark.parametrize("kind", ["nodes", "services", "namespaces"])
async def test_a_watch_is_told_of_its_own_kind_alone(tmp_path: Path, kind: str) -> None:
    async with opened(tmp_path) as door:
        version = (await door.get(f"/api/v1/{kind}"))["metadata"]["resourceVersion"]
        query = f"watch=1&timeoutSeconds=1&resourceVersion={version}"
        async with door.watch(f"/api/v1/{kind}?{query}") as events:
            await door.create(PODS, pod_object("a"))
            assert [event async for event in events] == []


async def test_only_the_first_row_of_a_watched_table_has_columns(tmp_path: Path) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    async with opened(tmp_path) as door:
        for name in ("a", "b"):
            await door.create(PODS, pod_object(name))
        async with door.watch(f"{PODS}?watch=1&timeoutSeconds=1", Accept=accept) as events:
            tables = [event["object"] async for event in events]
    assert [table["rows"][0]["cells"][0] for table in tables] == ["a", "b"]
    assert [table["columnDefinitions"] is None for table in tables] == [False, True]
