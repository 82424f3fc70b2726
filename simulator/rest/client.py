"""What no Kubernetes API tells, read from a simulator in another process.

`RemoteWorld` mirrors a `RunningWorld`: RTTs for the service, happenings and facts for people.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from scheduler.domain.errors import ClusterUnavailable
from simulator.facts import Facts
from simulator.happenings import Happening, Happenings
from simulator.rest.rttwire import from_bytes
from simulator.rest.worldroutes import VERSION_HEADER, WAIT_S
from telemetry.model import RttTable

_RETRY_S = 1.0
_ANSWER_S = WAIT_S + 40.0
_OK = 200


class _Lines(msgspec.Struct):
    now_s: float
    lines: tuple[Happening, ...]


class RemoteWorld:
    """A running world in another process. Made by `remote_world`.

    Attributes
    ----------
    happenings
        What happened lately, as far as `follow` has heard.
    """

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self._server, self._session = server, session
        self.happenings = Happenings()
        self._heard = 0

    async def tables(self) -> AsyncIterator[RttTable]:
        """Yield the RTTs as they are, then newer tables; who is slow misses what is replaced.

        Fulfils `scheduler.domain.ports.RttSource`. A server that does not answer is asked again.
        """
        version = ""
        while True:
            try:
                headers, body = await self._get(f"/simulator/rtt?after={version}")
            except ClusterUnavailable:
                await asyncio.sleep(_RETRY_S)
                continue
            version = headers.get(VERSION_HEADER, version)
            if body:
                yield from_bytes(body)

    async def facts(self) -> Facts:
        """Return where the cluster stands.

        Raises
        ------
        ClusterUnavailable
            If the simulator does not answer.
        """
        _, body = await self._get("/simulator/facts")
        return msgspec.json.decode(body, type=Facts)

    async def follow(self) -> None:
        """Hear what happens until cancelled."""
        while True:
            try:
                _, body = await self._get(f"/simulator/happenings?after={self._heard}")
            except ClusterUnavailable:
                await asyncio.sleep(_RETRY_S)
                continue
            for line in msgspec.json.decode(body, type=_Lines).lines:
                self.happenings.say(line.at_s, line.text)
                self._heard = line.number

    async def _get(self, path: str) -> tuple[dict[str, str], bytes]:
        try:
            async with self._session.get(f"{self._server}{path}") as response:
                body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ClusterUnavailable(f"{self._server}{path}: no answer ({error})") from None
        if response.status not in (_OK, 204):
            raise ClusterUnavailable(f"{self._server}{path}: status {response.status}")
        return dict(response.headers), body


@asynccontextmanager
async def remote_world(server: str) -> AsyncIterator[RemoteWorld]:
    """Connect to a simulator.

    Parameters
    ----------
    server
        ``http://127.0.0.1:PORT``.
    """
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield RemoteWorld(server, session)
