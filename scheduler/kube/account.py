"""Where the API server is and who we are to it, as the client library reads it."""

import ipaddress
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from scheduler.domain.errors import ClusterUnavailable, InputError


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
    configuration
        The library's, which renews tokens.
    """

    server: str
    tls: ssl.SSLContext
    proxy: str | None
    tls_server_name: str | None
    configuration: Configuration

    async def headers(self) -> dict[str, str]:
        """Return the headers that authenticate a request, renewed where they must be.

        Raises
        ------
        ClusterUnavailable
            If a token cannot be renewed now.
        """
        try:
            settings = await self.configuration.auth_settings()
        except (OSError, ConfigException, ValueError) as error:
            raise ClusterUnavailable(f"the account's token cannot be renewed: {error}") from None
        token = settings.get("BearerToken")
        return {"Authorization": str(token["value"])} if token and token["value"] else {}


async def account_of(kubeconfig: Path | None, context: str | None) -> Account:
    """Read an account from a kubeconfig or, without one, from the pod's ServiceAccount.

    Raises
    ------
    InputError
        If it cannot be read, or there is none.
    """
    configuration = Configuration()
    await _configure(configuration, kubeconfig, context)
    try:
        api = ApiClient(configuration)
    except OSError as error:  # certificates are read here
        raise _unreadable(kubeconfig, error) from None
    async with api:
        tls: ssl.SSLContext = api.rest_client.ssl_context
    server = str(configuration.host).rstrip("/")
    if urlsplit(server).scheme not in ("http", "https"):
        raise _unreadable(kubeconfig, ValueError(f"{server!r} is no http(s) address"))
    return Account(
        server=server,
        tls=tls,
        proxy=configuration.proxy or _environment_proxy(server),
        tls_server_name=configuration.tls_server_name or None,
        configuration=configuration,
    )


def _environment_proxy(server: str) -> str | None:
    """Return the proxy the environment names, looked up once; this machine never needs one."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if host == "localhost" or _is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _configure(
    configuration: Configuration, kubeconfig: Path | None, context: str | None
) -> None:
    if kubeconfig is None:
        try:
            load_incluster_config(client_configuration=configuration)
        except ConfigException as error:
            raise InputError(
                "Kubernetes", f"not inside a cluster ({error})", "name a file: --kubeconfig FILE"
            ) from None
        return
    _check_form(kubeconfig)
    try:
        # Never written back: a refreshed token belongs to whoever owns the file.
        await load_kube_config(
            config_file=str(kubeconfig),
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(kubeconfig, error) from None


def _check_form(kubeconfig: Path) -> None:
    """Refuse what is no kubeconfig at all; the library would fail in its own innards."""
    try:
        tree: Any = yaml.safe_load(kubeconfig.read_bytes())
    except FileNotFoundError:
        raise InputError(str(kubeconfig), "no such file", "name a kubeconfig") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise _unreadable(kubeconfig, error) from None
    if not isinstance(tree, dict) or not tree.get("clusters"):
        raise InputError(
            str(kubeconfig),
            "no clusters in it",
            "name a kubeconfig: apiVersion v1, kind Config, with clusters, users and contexts",
        )


def _unreadable(kubeconfig: Path | None, error: Exception) -> InputError:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return InputError(
        str(kubeconfig or "the pod's ServiceAccount"),
        f"cannot be read as a kubeconfig: {said}",
        "kubectl config view --kubeconfig FILE shows what kubectl makes of it",
    )
