"""Leadership by a Lease, against a server that keeps one."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from scheduler.kube.client import KubeClient
from scheduler.kube.lease import Leadership, LeaseTerms
from tests.scripted_api import ScriptedApi, Sent, status

TERMS = LeaseTerms("isochrone", "kube-system", lease_s=3, renew_deadline_s=2, retry_s=1)
PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
WALL_S = 1_790_000_000.25


class LeaseServer:
    """Keeps one Lease as the API server does: a write of an older version is refused."""

    def __init__(self, api: ScriptedApi) -> None:
        self.lease: dict[str, Any] | None = None
        self.is_down = False
        self._version = 0
        api.on_write = self._answer

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec

    def take_over(self, identity: str) -> None:
        """Let somebody else have written the Lease."""
        assert self.lease is not None
        self._put({**self.lease, "spec": {**self.spec, "holderIdentity": identity}})

    def _put(self, lease: dict[str, Any]) -> web.Response:
        self._version += 1
        metadata = {**lease["metadata"], "resourceVersion": str(self._version)}
        self.lease = {**lease, "metadata": metadata}
        return web.json_response(self.lease)

    def _answer(self, sent: Sent) -> web.Response:
        if self.is_down:
            return status(503, "shutting down")
        if sent.method == "POST":
            assert sent.path == PATH
            return status(409, "exists") if self.lease else self._put(sent.body)
        if self.lease is None:
            return status(404, "no such lease")
        if sent.method == "GET":
            return web.json_response(self.lease)
        if sent.body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            return status(409, "the object has been modified")
        return self._put(sent.body)


async def nothing() -> None:
    """Prepare nothing."""


def candidate(client: KubeClient, name: str) -> Leadership:
    return Leadership(client, TERMS, name, asyncio.get_running_loop().time, lambda: WALL_S)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def end(*campaigns: "asyncio.Task[None]") -> None:
    for campaign in campaigns:
        campaign.cancel()
        with suppress(asyncio.CancelledError):
            await campaign


async def test_the_first_candidate_leads_and_the_second_stands_by(tmp_path: Path) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    async with api.client(tmp_path) as client:
        first, second = candidate(client, "first"), candidate(client, "second")
        campaigns = [asyncio.create_task(first.campaign(nothing))]
        await until(lambda: first.is_leading)
        campaigns.append(asyncio.create_task(second.campaign(nothing)))
        await until(lambda: second.holder == "first")
        await end(*campaigns)

        assert not second.is_leading
        assert server.spec["holderIdentity"] == "first"
        assert server.spec["leaseDurationSeconds"] == 3
        assert server.spec["renewTime"] == "2026-09-21T14:13:20.250000Z"


async def test_a_lease_that_is_handed_back_is_taken_without_waiting_for_its_end(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    async with api.client(tmp_path) as client:
        first, second = candidate(client, "first"), candidate(client, "second")
        campaign = asyncio.create_task(first.campaign(nothing))
        await until(lambda: first.is_leading)
        await end(campaign)
        await first.release()
        assert not first.is_leading
        assert server.spec["holderIdentity"] == ""

        campaign = asyncio.create_task(second.campaign(nothing))
        await until(lambda: second.is_leading)
        await end(campaign)

        assert server.spec["holderIdentity"] == "second"
        assert server.spec["leaseTransitions"] == 1


async def test_a_leader_that_cannot_renew_does_not_lead_any_more(tmp_path: Path) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    async with api.client(tmp_path) as client:
        leader = candidate(client, "first")
        campaign = asyncio.create_task(leader.campaign(nothing))
        await until(lambda: leader.is_leading)
        server.is_down = True
        async with asyncio.timeout(10):
            await campaign

        assert not leader.is_leading


async def test_a_leader_that_sees_another_holder_does_not_lead_any_more(tmp_path: Path) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    async with api.client(tmp_path) as client:
        leader = candidate(client, "first")
        campaign = asyncio.create_task(leader.campaign(nothing))
        await until(lambda: leader.is_leading)
        server.take_over("second")
        await until(lambda: not leader.is_leading)
        await leader.release()
        await end(campaign)

        assert server.spec["holderIdentity"] == "second"


async def test_nobody_leads_before_the_preparation_is_done(tmp_path: Path) -> None:
    api = ScriptedApi()
    LeaseServer(api)
    started, may_end = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        started.set()
        await may_end.wait()

    async with api.client(tmp_path) as client:
        leader = candidate(client, "first")
        campaign = asyncio.create_task(leader.campaign(prepare))
        await started.wait()
        assert not leader.is_leading
        may_end.set()
        await until(lambda: leader.is_leading)
        await end(campaign)


async def test_a_process_that_was_frozen_finds_itself_deposed_at_once(tmp_path: Path) -> None:
    api = ScriptedApi()
    LeaseServer(api)
    async with api.client(tmp_path) as client:
        now_s = asyncio.get_running_loop().time
        frozen_s = [0.0]
        leader = Leadership(client, TERMS, "first", lambda: now_s() + frozen_s[0], lambda: WALL_S)
        campaign = asyncio.create_task(leader.campaign(nothing))
        await until(lambda: leader.is_leading)
        frozen_s[0] = 60.0

        assert not leader.is_leading
        await end(campaign)


async def test_a_lease_of_others_keeps_what_they_wrote_into_it(tmp_path: Path) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    metadata = {"name": "isochrone", "namespace": "kube-system", "labels": {"team": "edge"}}
    server.lease = {"metadata": {**metadata, "resourceVersion": "7"}, "spec": {}}
    async with api.client(tmp_path) as client:
        leader = candidate(client, "first")
        campaign = asyncio.create_task(leader.campaign(nothing))
        await until(lambda: leader.is_leading)
        await end(campaign)

        assert server.lease is not None
        assert server.lease["metadata"]["labels"] == {"team": "edge"}
        assert json.dumps(server.lease).count('"first"') == 1


async def test_a_lease_that_was_lost_is_not_taken_again_by_who_led(tmp_path: Path) -> None:
    api = ScriptedApi()
    server = LeaseServer(api)
    prepared: list[int] = []

    async def prepare() -> None:
        prepared.append(1)

    async with api.client(tmp_path) as client:
        leader = candidate(client, "first")
        campaign = asyncio.create_task(leader.campaign(prepare))
        await until(lambda: leader.is_leading)
        server.take_over("")  # another has had it, and has handed it back
        async with asyncio.timeout(10):
            await campaign

        assert not leader.is_leading
        assert server.spec["holderIdentity"] == ""
        assert prepared == [1]
