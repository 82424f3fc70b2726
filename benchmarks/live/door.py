"""A way to the API server for the load client and the watcher: one account, kept connections.

It shares no code with `scheduler/kube`, whose speed is what is measured.
"""

import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
_SILENCE_S = 120.0


class Refused(Exception):
    """The API server did not carry a request out.

    Parameters
    ----------
    request
        Method and path.
    status
        HTTP status.
    said
        The answer's body.
    """

    def __init__(self, request: str, status: int, said: str) -> None:
        super().__init__(f"{request}: {status}, {said}")
        self.status = status


class Door:
    """Requests with bodies that are encoded already. Made by `opened`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(
        self, method: str, path: str, body: bytes | None = None, content_type: str = _JSON
    ) -> bytes:
        """Send a request and return the answer's body.

        Raises
        ------
        Refused
            If the answer is not a 2xx.
        aiohttp.ClientError
            If there is none.
        """
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, data=body, headers=headers) as answer:
            said = await answer.read()
            if not answer.ok:
                raise Refused(f"{method} {path}", answer.status, said.decode(errors="replace"))
            return said

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[aiohttp.StreamReader]:
        """Open an answer that goes on.

        Raises
        ------
        Refused
            If the answer is not a 2xx.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_S)
        async with self._session.get(path, timeout=timeout) as answer:
            if not answer.ok:
                raise Refused(f"GET {path}", answer.status, await answer.text())
            yield answer.content


@asynccontextmanager
async def opened(kubeconfig: Path, connections: int) -> AsyncIterator[Door]:
    """Connect as a kubeconfig of `tests.real` says.

    Parameters
    ----------
    kubeconfig
        With a token and the authority in it.
    connections
        Kept open at most.
    """
    config = yaml.safe_load(kubeconfig.read_bytes())  # noqa: ASYNC240 - nothing else runs yet
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    session = aiohttp.ClientSession(
        cluster["server"],
        connector=aiohttp.TCPConnector(
            limit=connections, ssl=ssl.create_default_context(cadata=authority)
        ),
        headers={
            "Authorization": f"Bearer {user['token']}",
            # Compressing would be a cost that neither scheduler causes.
            "Accept-Encoding": "identity",
        },
    )
    async with session:
        yield Door(session)
