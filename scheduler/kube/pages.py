"""Lists of one kind, page by page, as of one resourceVersion."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.client import KubeClient

PAGE_SIZE = 500
"""Objects an answer; what kubectl and client-go ask for."""


class _ListMeta(msgspec.Struct, rename="camel"):
    token: str = msgspec.field(name="continue", default="")
    resource_version: str = ""


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] | None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of a list, as JSON, and the version of the whole list."""

    items: tuple[bytes, ...]
    resource_version: str


async def pages(
    client: KubeClient, path: str, *, page_size: int = PAGE_SIZE
) -> AsyncGenerator[Page, None]:
    """Yield a list page by page; the first page is as new as the server's storage.

    The next page is asked for before one is yielded: the server makes it while that one is read.
    Close the iterator if it is left early.

    Parameters
    ----------
    client
        Connected.
    path
        Of the collection, ``/api/v1/pods``.
    page_size
        Most objects an answer.

    Raises
    ------
    ClusterUnavailable
        If the server does not answer, or not in the form of a list.
    Expired
        If the server forgets the list under way.
    Denied
        If the server refuses.
    """
    query = {"limit": str(page_size)}
    asked = asyncio.create_task(client.get(path, query))
    try:
        while True:
            page = _decoded(await asked, f"{client.server}{path}")
            token = page.metadata.token
            if token:
                asked = asyncio.create_task(client.get(path, query | {"continue": token}))
                await asyncio.sleep(0)  # it is sent before this page is taken in
            yield Page(tuple(map(bytes, page.items or ())), page.metadata.resource_version)
            if not token:
                return
    finally:
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


def _decoded(body: bytes, where: str) -> _Page:
    try:
        return msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterUnavailable(f"{where}: answered no list of Kubernetes ({error})") from None
