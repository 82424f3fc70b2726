"""A loopback API server that answers as a test scripts it: lists, watches, leases, refusals."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from scheduler.kube.client import KubeClient, connected

JsonObject = dict[str, Any]
CORE = ("nodes", "services", "pods", "namespaces", "persistentvolumeclaims", "persistentvolumes")
STORAGE = (
    "storageclasses",
    "csinodes",
    "csidrivers",
    "csistoragecapacities",
    "volumeattachments",
)
GROUPS = {
    "scheduling.x-k8s.io": "v1alpha1",
    "scheduling.volcano.sh": "v1beta1",
    "scheduling.k8s.io": "v1alpha2",
}
PATHS = {
    **{name: f"/api/v1/{name}" for name in CORE},
    **{name: f"/apis/storage.k8s.io/v1/{name}" for name in STORAGE},
    **{f"podgroups.{api}": f"/apis/{api}/{version}/podgroups" for api, version in GROUPS.items()},
}
"""Where each kind that the scheduler follows is served."""

Step = JsonObject | bytes | asyncio.Event
"""Of a watch: an event to send, raw bytes, or a moment to wait for."""


def node(name: str, version: int = 1, **allocatable: str) -> JsonObject:
    """Return a ready node."""
    return {
        "metadata": {"name": name, "resourceVersion": str(version)},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110", **allocatable},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def added(obj: JsonObject) -> JsonObject:
    """Return the line of a watch that tells of a new object."""
    return {"type": "ADDED", "object": obj}


def deleted(obj: JsonObject) -> JsonObject:
    """Return the line of a watch that tells of a deleted object."""
    return {"type": "DELETED", "object": obj}


def bookmark(version: int) -> JsonObject:
    """Return the line of a watch that only moves the version."""
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


def expired() -> JsonObject:
    """Return the line by which a watch says that it cannot go on."""
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    return {"type": "ERROR", "object": status}


def status(code: int, message: str, **headers: str) -> web.Response:
    """Return a refusal."""
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return web.json_response(body, status=code, headers=headers)


@dataclass
class ScriptedKind:
    """One collection: what is listed, and what each watch in turn says before it ends cleanly.

    `refused_lists` are answered before lists are, `refusals` before watches are.
    `breaks` makes a watch end without its last chunk, as a lost connection does. The last watch of
    the script stays open. `asked` holds the resourceVersion of each watch; `lists` counts lists.
    """

    items: list[JsonObject] = field(default_factory=list)
    version: int = 1
    watches: list[Sequence[Step]] = field(default_factory=list)
    refusals: list[web.Response] = field(default_factory=list)
    refused_lists: list[web.Response] = field(default_factory=list)
    breaks: set[int] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    lists: int = 0


@dataclass
class Sent:
    """A request that writes."""

    method: str
    path: str
    content_type: str
    body: Any
    authorization: str


class ScriptedApi:
    """Serves `kinds` by what kubectl calls them, and `on_write` for all else."""

    def __init__(self) -> None:
        self.kinds = {name: ScriptedKind() for name in PATHS}
        self.sent: list[Sent] = []
        self.on_write: Callable[[Sent], web.Response] = lambda _: web.json_response({}, status=201)
        self._closing = asyncio.Event()

    @asynccontextmanager
    async def client(
        self, folder: Path, *, token_file: Path | None = None
    ) -> AsyncIterator[KubeClient]:
        """Serve while inside; yield a client."""
        app = web.Application()
        for name, kind in self.kinds.items():
            app.router.add_get(PATHS[name], self._collection(kind))
        app.router.add_route("*", "/{path:.*}", self._write)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with connected(write_kubeconfig(folder, server, token_file)) as client:
                yield client
        finally:
            self._closing.set()
            await runner.cleanup()

    def _collection(
        self, kind: ScriptedKind
    ) -> Callable[[web.Request], "asyncio.Future[web.StreamResponse]"]:
        async def answer(request: web.Request) -> web.StreamResponse:
            if "watch" in request.query:
                return await self._watch(kind, request)
            kind.lists += 1
            if kind.refused_lists:
                return kind.refused_lists.pop(0)
            metadata = {"resourceVersion": str(kind.version)}
            return web.json_response({"metadata": metadata, "items": kind.items})

        return answer  # type: ignore[return-value]

    async def _watch(self, kind: ScriptedKind, request: web.Request) -> web.StreamResponse:
        kind.asked.append(request.query["resourceVersion"])
        if kind.refusals:
            return kind.refusals.pop(0)
        number = len(kind.asked) - 1
        response = web.StreamResponse()
        await response.prepare(request)
        for step in kind.watches.pop(0) if kind.watches else ():
            if isinstance(step, asyncio.Event):
                await step.wait()
            else:
                line = step if isinstance(step, bytes) else json.dumps(step).encode() + b"\n"
                await response.write(line)
        if number in kind.breaks and request.transport is not None:
            request.transport.abort()
        elif not kind.watches:
            await self._closing.wait()
        return response

    async def _write(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        body = json.loads(content) if content else None
        authorization = request.headers.get("Authorization", "")
        sent = Sent(request.method, request.path, request.content_type, body, authorization)
        self.sent.append(sent)
        return self.on_write(sent)


def write_kubeconfig(folder: Path, server: str, token_file: Path | None = None) -> Path:
    """Write a kubeconfig with a token and return its path."""
    path = folder / "kubeconfig"
    user = {"token": "secret-token"} if token_file is None else {"tokenFile": str(token_file)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path
