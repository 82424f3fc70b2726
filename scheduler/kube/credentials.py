"""Who we are to the API server, kept fresh: an exec plugin's answer, or what the library reads."""

import asyncio
import ssl
import tempfile
from pathlib import Path
from typing import Protocol

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.kube_config import KubeConfigLoader

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.exec_plugin import Credential, ExecPlugin, PluginFailed
from scheduler.kube.tokens import REREAD_S, Headers, Seconds, bearer, clean_token

_MARGIN_S = 10.0
_BETWEEN_RENEWALS_S = 10.0
"""A server that keeps saying 401 does not make us run a program for each request."""

UNREADABLE = (
    ConfigException, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    aiohttp.ClientError,
)  # fmt: skip
"""What the library raises for a kubeconfig or a provider's answer that it cannot read."""


class Credentials(Protocol):
    """What authenticates a request."""

    async def headers(self) -> Headers:
        """Return the headers that do, renewed where they must be.

        Raises
        ------
        ClusterUnavailable
            If they cannot be renewed, and the old ones have ended.
        """

    async def renew(self) -> None:
        """Get others: the server did not take these (401).

        Raises
        ------
        ClusterUnavailable
            If there are none to be had.
        """


class PluginCredentials:
    """What an exec plugin gives, asked for again shortly before it ends. Made by `started`.

    Parameters
    ----------
    plugin
        Whom to ask.
    tls
        Gets the plugin's client certificate, if that is what it gives.
    now_s, wall_s
        A clock that never steps, and the one that expiry is told in; seconds.
    """

    def __init__(
        self, plugin: ExecPlugin, tls: ssl.SSLContext, now_s: Seconds, wall_s: Seconds
    ) -> None:
        self._plugin, self._tls = plugin, tls
        self._now_s, self._wall_s = now_s, wall_s
        self._one_at_a_time = asyncio.Lock()
        self._held = Credential("", "", "", None)
        self._got_s = 0.0
        self._forced_s: float | None = None

    @classmethod
    async def started(
        cls, plugin: ExecPlugin, tls: ssl.SSLContext, now_s: Seconds, wall_s: Seconds
    ) -> "PluginCredentials":
        """Return credentials that hold now.

        Raises
        ------
        PluginFailed
            If the plugin gives none.
        """
        made = cls(plugin, tls, now_s, wall_s)
        await made._ask()
        return made

    async def headers(self) -> Headers:
        """Return the token, renewed shortly before it ends."""
        # While one request has it renewed, the others, such as the Lease's, use what still holds.
        if self._is_ending() and (self._has_ended() or not self._one_at_a_time.locked()):
            async with self._one_at_a_time:
                if self._is_ending():  # nobody has renewed it while we waited
                    await self._renewed_or_still_good()
        return bearer(self._held.token)

    async def renew(self) -> None:
        """Ask the plugin, unless it was asked a moment ago for the same reason."""
        async with self._one_at_a_time:
            if self._forced_s is not None and self._now_s() - self._forced_s < _BETWEEN_RENEWALS_S:
                return
            self._forced_s = self._now_s()
            try:
                await self._ask()
            except PluginFailed as error:
                raise ClusterUnavailable(str(error)) from None

    def _is_ending(self) -> bool:
        expires_s = self._held.expires_s
        if expires_s is None:
            return False
        # What is given for a few seconds only must not be asked for with every request.
        margin_s = min(_MARGIN_S, max(0.0, expires_s - self._got_s) / 4)
        return self._wall_s() >= expires_s - margin_s

    def _has_ended(self) -> bool:
        return self._held.expires_s is not None and self._wall_s() >= self._held.expires_s

    async def _renewed_or_still_good(self) -> None:
        try:
            await self._ask()
        except PluginFailed as error:
            if self._has_ended():
                raise ClusterUnavailable(f"the account has expired: {error}") from None

    async def _ask(self) -> None:
        given = await self._plugin.run()
        if given.certificate and given.certificate != self._held.certificate:
            try:
                _present(self._tls, given)
            except OSError as error:  # ssl.SSLError is one
                raise PluginFailed(
                    f"the exec plugin's certificate cannot be used: {error}"
                ) from None
        self._held, self._got_s = given, self._wall_s()


class LibraryCredentials:
    """What the library reads: a token, a password, or a provider's token, which it renews.

    Parameters
    ----------
    loader
        Has read the kubeconfig.
    configuration
        What it has read.
    now_s
        A clock that never steps, seconds.

    Raises
    ------
    ValueError
        If a header cannot carry the token.
    """

    def __init__(
        self, loader: KubeConfigLoader, configuration: Configuration, now_s: Seconds
    ) -> None:
        self._loader, self._configuration, self._now_s = loader, configuration, now_s
        self._read_s = now_s()
        self._one_at_a_time = asyncio.Lock()
        self._value()

    async def headers(self) -> Headers:
        """Return the token; a provider's is looked at every minute, whether it ends soon."""
        if self._loader.provider and self._is_old():
            async with self._one_at_a_time:
                if self._is_old():
                    # The old token may hold still; if not, the server says so, and `renew` why.
                    await self._load()
        value = self._value()
        return {"Authorization": value} if value else {}

    async def renew(self) -> None:
        """Let the library look again."""
        if not self._loader.provider:
            return
        async with self._one_at_a_time:
            error = await self._load()
        if error is not None:
            raise ClusterUnavailable(f"the account's token cannot be renewed: {error}") from None

    def _is_old(self) -> bool:
        return self._now_s() - self._read_s >= REREAD_S

    async def _load(self) -> Exception | None:
        self._read_s = self._now_s()
        try:
            await self._loader.load_and_set(self._configuration)
            self._value()
        except UNREADABLE as error:
            return error
        return None

    def _value(self) -> str:
        """Return what the library has in mind for the header, scheme and token."""
        scheme, _, token = str(self._configuration.api_key.get("BearerToken") or "").partition(" ")
        return f"{scheme} {token}" if (token := clean_token(token)) else ""


def _present(tls: ssl.SSLContext, given: Credential) -> None:
    """Make new connections present a client certificate.

    `ssl` reads it from a file only; nobody else may enter this one's folder.
    """
    with tempfile.TemporaryDirectory(prefix="isochrone-") as folder:
        path = Path(folder) / "client.pem"
        path.write_text(f"{given.certificate}\n{given.key}\n", encoding="utf-8")
        tls.load_cert_chain(path)
