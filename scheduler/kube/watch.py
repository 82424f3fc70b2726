"""One watch: the lines of a stream, read as what they say."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import msgspec

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.answers import Expired
from scheduler.kube.client import KubeClient
from scheduler.kube.kinds import Head, Metadata

WATCH_S = 300
"""How long the server is asked to go on; it may end a watch before, and does so under load."""

SILENCE_S = 100.0
"""Longest silence of a living watch: bookmarks come about once a minute
(https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks)."""

_LONGEST_LINE = 64 << 20
"""An object is 1.5 MiB at most in etcd; what is far beyond is no watch."""

_GONE = 410


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an object. A bookmark only moves the version."""

    type: str
    metadata: Metadata
    obj: bytes


async def watch(
    client: KubeClient, path: str, resource_version: str, *, silence_s: float = SILENCE_S
) -> AsyncGenerator[list[Change], None]:
    """Yield changes after `resource_version`, as many at a time as have arrived.

    Ends when the server ends the stream: with no error, under load in mid-run too. The caller
    resumes from the last version seen. The first, empty, list says that the server answers.

    Parameters
    ----------
    client
        Connected.
    path
        Of the collection.
    resource_version
        Where to begin: of a list, or of the last change seen.
    silence_s
        A watch without a word for so long is broken, seconds.

    Raises
    ------
    ClusterUnavailable
        If there is no answer or the stream breaks; the caller resumes.
    Expired
        If the server no longer has the changes since `resource_version`; the caller lists anew.
    Denied
        If the server refuses.
    """
    query = {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(WATCH_S),
    }
    where = f"{client.server}{path}"
    async with client.stream(path, query, silence_s=silence_s) as stream:
        yield []
        rest = b""
        while chunk := await _chunk(stream, where):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                raise ClusterUnavailable(f"{where}: sends a line without an end")
            if lines:
                yield [_change(line, where) for line in lines if line]


async def _chunk(stream: aiohttp.StreamReader, where: str) -> bytes:
    """Return what has arrived; nothing at the end."""
    try:
        return await stream.readany()
    except TimeoutError:
        raise ClusterUnavailable(f"{where}: the watch fell silent") from None
    except (aiohttp.ClientError, OSError) as error:
        raise ClusterUnavailable(f"{where}: the watch broke ({error})") from None


def _change(line: bytes, where: str) -> Change:
    try:
        said = _LINE.decode(line)
        if said.type == "ERROR":
            raise _error(_STATUS.decode(said.object), where)
        return Change(said.type, _HEAD.decode(said.object).metadata, bytes(said.object))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # What was lost cannot be told: only a new list is sure to be whole.
        raise Expired(f"{where}: a line of the watch cannot be read ({error})") from None


def _error(status: _Status, where: str) -> ClusterUnavailable:
    kind = Expired if status.code == _GONE else ClusterUnavailable
    return kind(f"{where}: {status.code}, {status.message}")


_LINE = msgspec.json.Decoder(_Line)
_STATUS = msgspec.json.Decoder(_Status)
_HEAD = msgspec.json.Decoder(Head)
