"""A cluster through its API: what is sent, and what each answer means."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from scheduler.domain.cluster_events import ClusterEvent, Listed, Lost
from scheduler.domain.errors import BindConflict, BindRefused, ClusterUnavailable, InputError
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.workload import Pod, PodClass
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.events import LONGEST_NOTE, EventWriter
from scheduler.kube.kinds import Metadata
from tests.scripted_api import ScriptedApi, Sent, expired, node, status

POD = Pod("web-1", PodClass(namespace="shop"), uid="uid-1")
WALL_S = 1_790_000_000.25


def answer(code: int) -> web.Response:
    if code < 300:
        return web.json_response({"kind": "Status", "status": "Success"}, status=code)
    return status(code, f"said {code}")


async def test_a_binding_carries_the_uid_and_the_annotations(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")

        await cluster.bind(Binding(POD, "edge-1", (("isochrone.dev/rtt", "edge-1=3ms"),)))

    [sent] = api.sent
    assert (sent.method, sent.path) == ("POST", "/api/v1/namespaces/shop/pods/web-1/binding")
    assert sent.body["metadata"]["uid"] == "uid-1"
    assert sent.body["metadata"]["annotations"] == {"isochrone.dev/rtt": "edge-1=3ms"}
    assert sent.body["target"] == {"apiVersion": "v1", "kind": "Node", "name": "edge-1"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (404, BindConflict),
        (409, BindConflict),
        (403, BindRefused),
        (422, BindRefused),
        (500, ClusterUnavailable),
        (504, ClusterUnavailable),
    ],
)
async def test_a_refused_binding_is_told_from_an_unanswered_one(
    tmp_path: Path, code: int, error: type[Exception]
) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: answer(code)
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")

        with pytest.raises(error, match=f"said {code}") as caught:
            await cluster.bind(Binding(POD, "edge-1"))

    assert type(caught.value) is error


async def test_a_binding_that_is_put_off_is_not_sent_again_without_being_decided_again(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: status(429, "too many requests", **{"Retry-After": "0"})
    async with api.client(tmp_path) as client:
        with pytest.raises(BindRefused, match="too many requests"):
            await KubeCluster(client, "custom-scheduler").bind(Binding(POD, "edge-1"))

    assert len(api.sent) == 1


async def test_what_is_known_of_the_pod_is_told_with_it(tmp_path: Path) -> None:
    api = ScriptedApi()
    known = Metadata(name="web-1", uid="uid-1", resource_version="77", generation=3)
    async with api.client(tmp_path) as client:
        await EventWriter(client, "custom-scheduler", lambda _: known).write(waiting("why"))

    patch, event = api.sent
    assert patch.body["status"]["conditions"][0]["observedGeneration"] == 3
    assert event.body["regarding"]["resourceVersion"] == "77"


async def test_an_event_has_the_form_of_kube_schedulers(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        message = "Successfully assigned shop/web-1 to edge-1"

        await cluster.note(PodNote(POD, "Normal", "Scheduled", message, at_s=WALL_S))

    [first] = api.sent
    assert first.path == "/apis/events.k8s.io/v1/namespaces/shop/events"
    assert first.body["apiVersion"] == "events.k8s.io/v1"
    assert first.body["eventTime"] == "2026-09-21T14:13:20.250000Z"
    assert first.body["reportingController"] == "custom-scheduler"
    assert first.body["reportingInstance"].startswith("custom-scheduler-")
    assert first.body["action"] == "Binding"
    assert (first.body["type"], first.body["reason"]) == ("Normal", "Scheduled")
    assert first.body["note"] == message
    assert first.body["regarding"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web-1",
        "uid": "uid-1",
    }
    assert first.body["metadata"]["name"].startswith("web-1.")


async def test_an_event_that_is_written_twice_is_one_event(tmp_path: Path) -> None:
    api = ScriptedApi()
    answers = [answer(201), answer(409)]
    api.on_write = lambda _: answers.pop(0)
    note = PodNote(POD, "Normal", "Scheduled", "to edge-1", at_s=WALL_S)
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        await cluster.note(note)
        await cluster.note(note)

    first, second = (sent.body["metadata"]["name"] for sent in api.sent)
    assert first == second


async def test_two_notes_of_one_moment_are_two_events(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        for message in ("one", "other"):
            await cluster.note(PodNote(POD, "Normal", "Scheduled", message, at_s=WALL_S))

    first, second = (sent.body["metadata"]["name"] for sent in api.sent)
    assert first != second


def waiting(message: str, *, has_condition: bool = False) -> PodNote:
    return PodNote(
        POD,
        "Warning",
        "FailedScheduling",
        message,
        "Unschedulable",
        has_condition=has_condition,
        at_s=WALL_S,
    )


async def test_why_a_pod_waits_is_a_condition_and_an_event(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        await cluster.note(waiting("0/1 nodes are available: 1 Insufficient cpu."))

    patch, event = api.sent
    assert (patch.method, patch.path) == ("PATCH", "/api/v1/namespaces/shop/pods/web-1/status")
    assert patch.content_type == "application/strategic-merge-patch+json"
    [condition] = patch.body["status"]["conditions"]
    assert condition == {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu.",
        "lastProbeTime": None,
        "lastTransitionTime": "2026-09-21T14:13:20Z",
    }
    assert event.body["action"] == "Scheduling"
    assert event.body["type"] == "Warning"


async def test_a_condition_that_is_there_keeps_its_transition_time(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        await cluster.note(waiting("other", has_condition=True))

    [condition] = api.sent[0].body["status"]["conditions"]
    assert "lastTransitionTime" not in condition


async def test_a_long_message_is_cut_to_what_an_event_holds_and_kept_in_the_condition(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    message = "é" * 1000
    async with api.client(tmp_path) as client:
        await KubeCluster(client, "custom-scheduler").note(waiting(message))

    patch, event = api.sent
    note = event.body["note"]
    assert len(note.encode()) <= LONGEST_NOTE
    assert note.endswith(" ...")
    assert patch.body["status"]["conditions"][0]["message"] == message


async def test_the_event_is_written_although_the_condition_is_not(tmp_path: Path) -> None:
    api = ScriptedApi()

    def no_status(sent: Sent) -> web.Response:
        return answer(403 if sent.method == "PATCH" else 201)

    api.on_write = no_status
    async with api.client(tmp_path) as client:
        with pytest.raises(InputError, match="said 403"):
            await KubeCluster(client, "custom-scheduler").note(waiting("why"))

    assert [sent.method for sent in api.sent] == ["PATCH", "POST"]


async def test_a_pod_that_is_gone_needs_no_condition(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda sent: answer(404 if sent.method == "PATCH" else 201)
    async with api.client(tmp_path) as client:
        await KubeCluster(client, "custom-scheduler").note(waiting("why"))

    assert len(api.sent) == 2


class Reader:
    """Takes in the events of a cluster."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.events: list[ClusterEvent] = []
        self._cluster = cluster
        self._arrived = asyncio.Condition()

    async def read(self) -> None:
        async for event in self._cluster.events():
            async with self._arrived:
                self.events.append(event)
                self._arrived.notify_all()

    async def until_listed(self, times: int) -> None:
        def holds() -> bool:
            return sum(isinstance(e, Listed) for e in self.events) >= times

        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(holds)


async def test_all_is_listed_once_every_kind_is_and_lost_when_one_is_not(tmp_path: Path) -> None:
    api = ScriptedApi()
    happened = asyncio.Event()
    api.kinds["nodes"].items = [node("a")]
    api.kinds["pods"].watches = [[happened, expired()], []]
    async with api.client(tmp_path) as client, asyncio.TaskGroup() as group:
        reader = Reader(KubeCluster(client, "custom-scheduler"))
        reading = group.create_task(reader.read())
        await reader.until_listed(1)
        happened.set()
        await reader.until_listed(2)
        reading.cancel()

    kinds = [type(event) for event in reader.events if isinstance(event, Listed | Lost)]
    assert kinds == [Listed, Lost, Listed]
    assert (api.kinds["nodes"].lists, api.kinds["pods"].lists) == (1, 2)


async def test_listing_anew_ends_when_all_of_it_was_taken_in(tmp_path: Path) -> None:
    api = ScriptedApi()
    async with api.client(tmp_path) as client, asyncio.TaskGroup() as group:
        cluster = KubeCluster(client, "custom-scheduler")
        reader = Reader(cluster)
        reading = group.create_task(reader.read())
        await reader.until_listed(1)
        api.kinds["nodes"].items = [node("late")]
        async with asyncio.timeout(10):
            await cluster.list_anew()
        names = [getattr(event, "node", None) for event in reader.events]
        reading.cancel()

    assert [n.name for n in names if n is not None] == ["late"]
    assert all(kind.lists == 2 for kind in api.kinds.values())


async def test_a_list_that_fails_ends_the_events_with_the_servers_words(tmp_path: Path) -> None:
    api = ScriptedApi()
    del api.kinds["pods"]
    api.on_write = lambda _: status(403, "pods is forbidden")
    async with api.client(tmp_path) as client:
        reader = Reader(KubeCluster(client, "custom-scheduler"))

        with pytest.raises(InputError, match="pods is forbidden"):
            await reader.read()


async def test_a_token_that_is_refused_is_read_anew_for_the_next_request(tmp_path: Path) -> None:
    api = ScriptedApi()
    seen: list[str] = []

    def by_token(sent: Sent) -> web.Response:
        seen.append(sent.authorization)
        return answer(201 if sent.authorization == "Bearer fresh" else 401)

    api.on_write = by_token
    token = tmp_path / "token"
    token.write_text("stale\n")
    async with api.client(tmp_path, token_file=token) as client:
        cluster = KubeCluster(client, "custom-scheduler")
        token.write_text("fresh\n")
        with pytest.raises(BindRefused, match="said 401"):
            await cluster.bind(Binding(POD, "edge-1"))
        await cluster.bind(Binding(POD, "edge-1"))

    assert seen == ["Bearer stale", "Bearer fresh"]


async def test_a_condition_that_comes_between_two_writes_is_not_taken_for_a_pod_that_is_gone(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    api.on_write = lambda sent: answer(409 if sent.method == "PATCH" else 201)
    async with api.client(tmp_path) as client:
        with pytest.raises(InputError, match="said 409"):
            await KubeCluster(client, "custom-scheduler").note(waiting("why"))
