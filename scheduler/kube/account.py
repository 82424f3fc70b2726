"""Where the API server is and who we are to it, as the client library and client-go read it."""

import asyncio
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config
from kubernetes.aio.config.incluster_config import SERVICE_TOKEN_FILENAME
from kubernetes.aio.config.kube_config import KubeConfigLoader
from yarl import URL

from scheduler.domain.errors import InputError
from scheduler.kube.credentials import (
    UNREADABLE,
    Credentials,
    LibraryCredentials,
    PluginCredentials,
)
from scheduler.kube.exec_plugin import PluginFailed
from scheduler.kube.kubeconfig import Chosen, read_kubeconfig, unreadable
from scheduler.kube.proxy import checked_proxy, environment_proxy
from scheduler.kube.tokens import Headers, TokenFile


@dataclass(frozen=True, slots=True)
class Account:
    """A way to the API server.

    Parameters
    ----------
    server
        Its address, without a slash at the end.
    tls
        For https.
    proxy
        A proxy on the way, or None.
    tls_server_name
        The name the server's certificate is for, where it is not the address's.
    credentials
        Who we are.
    """

    server: str
    tls: ssl.SSLContext
    proxy: str | None
    tls_server_name: str | None
    credentials: Credentials

    async def headers(self) -> Headers:
        """Return the headers that authenticate a request, renewed where they must be.

        Raises
        ------
        ClusterUnavailable
            If they cannot be renewed, and the old ones have ended.
        """
        return await self.credentials.headers()

    async def renew(self) -> None:
        """Get other credentials where there may be others: the server did not take these (401).

        Raises
        ------
        ClusterUnavailable
            If there are none to be had.
        """
        await self.credentials.renew()


async def account_of(kubeconfig: Path | None, context: str | None) -> Account:
    """Read an account from a kubeconfig or, without one, from the pod's ServiceAccount.

    Raises
    ------
    InputError
        If it cannot be read, there is none, or its exec plugin gives no credentials.
    """
    configuration = Configuration()
    # The library reads the environment too, and knows no CIDRs.
    configuration.proxy = None
    where = str(kubeconfig or "the pod's ServiceAccount")
    if kubeconfig is None:
        _load_in_cluster(configuration)
        chosen = loader = None
    else:
        chosen = read_kubeconfig(kubeconfig, context)
        loader = await _load(chosen, configuration)
    try:
        api = ApiClient(configuration)
    except OSError as error:  # certificates are read here
        raise unreadable(where, error) from None
    async with api:
        tls: ssl.SSLContext = api.rest_client.ssl_context
    server = _checked_server(where, str(configuration.host).rstrip("/"))
    if configuration.proxy:
        proxy: str | None = checked_proxy(f"{where}: proxy-url", str(configuration.proxy))
    else:
        proxy = environment_proxy(server, os.environ)
    return Account(
        server=server,
        tls=tls,
        proxy=proxy,
        tls_server_name=configuration.tls_server_name or None,
        credentials=await _credentials(chosen, loader, configuration, tls),
    )


async def _credentials(
    chosen: Chosen | None,
    loader: KubeConfigLoader | None,
    configuration: Configuration,
    tls: ssl.SSLContext,
) -> Credentials:
    now_s = asyncio.get_running_loop().time
    try:
        if chosen is None or loader is None:
            return TokenFile(Path(SERVICE_TOKEN_FILENAME), now_s)
        if chosen.token_file is not None:
            return TokenFile(chosen.token_file, now_s)
        if chosen.plugin is not None:
            return await PluginCredentials.started(
                chosen.plugin, tls, now_s, lambda: datetime.now(UTC).timestamp()
            )
        return LibraryCredentials(loader, configuration, now_s)
    except (OSError, ValueError) as error:
        raise unreadable(chosen.where if chosen else "the pod's ServiceAccount", error) from None
    except PluginFailed as error:
        fix = "run it by hand to see what it says; kubectl needs it too"
        raise InputError(chosen.where if chosen else "", str(error), fix) from None


def _checked_server(where: str, server: str) -> str:
    """Return an address that requests can be sent to."""
    try:
        url = URL(server)
        host, is_plain = url.host or "", not (url.user or url.query_string or url.fragment)
        is_one = url.scheme in ("http", "https") and host.isprintable() and " " not in host
        if is_one and host and is_plain and url.port:
            return server
        what = f'the server "{server}" is no http(s) address'
    except ValueError as error:
        what = f'the server "{server}" is no http(s) address ({error})'
    raise InputError(where, what, "write clusters[].cluster.server as https://HOST:PORT")


def _load_in_cluster(configuration: Configuration) -> None:
    try:
        load_incluster_config(client_configuration=configuration, try_refresh_token=False)
    except (ConfigException, OSError, ValueError) as error:
        raise InputError(
            "Kubernetes", f"not inside a cluster ({error})", "name a file: --kubeconfig FILE"
        ) from None


async def _load(chosen: Chosen, configuration: Configuration) -> KubeConfigLoader:
    try:
        loader = KubeConfigLoader(chosen.tree, config_base_path=str(chosen.folder))
        # Never written back: a refreshed token belongs to whoever owns the file.
        await loader.load_and_set(configuration)
    except UNREADABLE as error:
        raise unreadable(chosen.where, error) from None
    return loader
