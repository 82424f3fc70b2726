"""Many objects created, a bounded number of requests at a time.

An object of the same name counts as there: to create the same ones again finishes what was broken
off. Requests are kept short of `scheduler.kube.client.CONNECTIONS`, so that each goes out at once.
"""

import asyncio
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient

CONCURRENT = 64
"""As many as bindings; an API server takes 400 of a client at a time
(``--max-requests-inflight``)."""

_TRIES = 5
_FIRST_WAIT_S = 0.25
_CONFLICT = 409
_NOT_FOUND = 404
_COLLECTIONS = {
    "Pod": "pods",
    "PodGroup": "podgroups",
    "PriorityClass": "priorityclasses",
}

JsonObject = dict[str, Any]
Found = Literal["new", "there", "unsure"]


@dataclass(slots=True)
class Created:
    """What came of it so far.

    `new` objects, those that were `there` already, and `unsure` ones: they are there after an
    attempt that had no answer, which may have been what made them.
    """

    new: int = 0
    there: int = 0
    unsure: int = 0

    def count(self, found: "Found") -> None:
        """Count one object."""
        setattr(self, found, getattr(self, found) + 1)


async def create_all(
    client: KubeClient,
    objects: AsyncIterable[JsonObject],
    tell: Callable[[JsonObject, Created], None] = lambda _object, _created: None,
    *,
    concurrent: int = CONCURRENT,
) -> Created:
    """Create objects as they come, and tell of each.

    Parameters
    ----------
    client
        Of the cluster.
    objects
        What to create; the next is asked for when one of `concurrent` requests is free.
    tell
        Is told of each object that exists now, and of the counts.
    concurrent
        Requests at a time.

    Raises
    ------
    InputError
        If the server refuses one: the first refusal ends all.
    ClusterUnavailable
        If it does not answer in several tries.
    """
    created = Created()
    free = asyncio.Semaphore(concurrent)

    async def one(obj: JsonObject) -> None:
        try:
            found = await create(client, obj)
        finally:
            free.release()
        created.count(found)
        tell(obj, created)

    try:
        async with asyncio.TaskGroup() as group:
            async for obj in objects:
                await free.acquire()
                group.create_task(one(obj))
    except* (InputError, ClusterUnavailable) as several:
        # One is enough to say what is wrong; the others say the same.
        first = several.exceptions[0]
        raise first from None
    return created


async def create(client: KubeClient, obj: JsonObject) -> Found:
    """Create an object; return whether it is new. An attempt without an answer is repeated.

    Raises
    ------
    InputError, ClusterUnavailable
        As `create_all`.
    """
    wait_s, is_repeated = _FIRST_WAIT_S, False
    for _ in range(_TRIES - 1):
        try:
            return await _tried(client, obj, is_repeated=is_repeated)
        except PutOff as error:
            await asyncio.sleep(error.retry_s)
        except ClusterUnavailable:
            is_repeated = True
            await asyncio.sleep(wait_s)
            wait_s *= 2
    return await _tried(client, obj, is_repeated=is_repeated)


async def _tried(client: KubeClient, obj: JsonObject, *, is_repeated: bool) -> Found:
    try:
        await client.send("POST", _path(obj), obj)
    except Denied as error:
        if error.status == _CONFLICT:
            return "unsure" if is_repeated else "there"
        raise _refused(obj, error) from None
    return "new"


def _path(obj: JsonObject) -> str:
    version, namespace = obj["apiVersion"], obj["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    middle = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{middle}/{_COLLECTIONS[obj['kind']]}"


def _refused(obj: JsonObject, error: Denied) -> InputError:
    """Return a refusal with what helps against it."""
    kind, namespace = obj["kind"], obj["metadata"].get("namespace")
    where = f"{kind} {obj['metadata']['name']}"
    if error.status != _NOT_FOUND:
        return InputError(where, f"{error.status}, {error.said}", error.fix)
    if kind == "Pod" or "namespaces" in error.said:
        fix = f"create the namespace first: kubectl create namespace {namespace}"
    else:
        fix = f"install what makes the cluster know kind {kind}, or make pods without it"
    return InputError(where, f"{error.status}, {error.said}", fix)
