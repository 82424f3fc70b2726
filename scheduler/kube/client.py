"""A connection to the API server: where it is, who we are, and raw GETs with a time-out.

The client library finds the server, does TLS and authenticates; answers stay bytes, because its
models decode every field of an object and here few matter.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from scheduler.domain.errors import ClusterUnavailable, InputError

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
"""The API server gives a list request up to 60 s itself (``--request-timeout``)."""

_AUTHENTICATION = ["BearerToken"]

_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_GONE = 410
_TOO_MANY = 429
_SERVER_ERROR = 500


class _Status(msgspec.Struct):
    """What the API server says of a request it does not carry out."""

    message: str = ""


class Expired(ClusterUnavailable):
    """410: what was asked for has expired; ask from the beginning."""


class KubeClient:
    """Raw requests to one API server. Made by `connected`.

    Parameters
    ----------
    api
        The library's client, configured; its owner closes it.
    answer_timeout_s
        For a whole answer, seconds.
    """

    def __init__(self, api: ApiClient, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._api = api
        self._timeout = aiohttp.ClientTimeout(
            total=answer_timeout_s, sock_connect=min(CONNECT_TIMEOUT_S, answer_timeout_s)
        )

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self._api.configuration.host)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a GET.

        Raises
        ------
        ClusterUnavailable
            If there is no answer in time, or the server cannot answer now (429, 5xx).
        Expired
            If a continue token or a resourceVersion has expired (410).
        InputError
            If the server refuses (401, 403, any other 4xx): an account or a right is missing.
        """
        where = f"{self.server}{path}"
        try:
            request = await self._api.param_serialize(
                "GET",
                path,
                query_params=list((query or {}).items()),
                auth_settings=_AUTHENTICATION,
            )
            answer = await self._api.call_api(
                *request, _preload_content=False, _request_timeout=self._timeout
            )
            async with answer.response:
                body: bytes = await answer.read()
        except TimeoutError:
            raise ClusterUnavailable(f"{where}: no answer within {self._timeout.total} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ClusterUnavailable(f"{where}: no answer ({error})") from None
        if answer.status != _OK:
            raise _refusal(where, answer.status, body)
        return body


@asynccontextmanager
async def connected(
    kubeconfig: Path | None = None,
    *,
    context: str | None = None,
    answer_timeout_s: float = ANSWER_TIMEOUT_S,
) -> AsyncIterator[KubeClient]:
    """Connect as a kubeconfig says, or, without one, as the pod's own ServiceAccount.

    Parameters
    ----------
    kubeconfig
        A kubeconfig file; None inside a cluster.
    context
        Of the kubeconfig; None takes its current one.
    answer_timeout_s
        For each answer, seconds.

    Raises
    ------
    InputError
        If the configuration cannot be read, or there is none.
    """
    configuration = Configuration()
    await _configure(configuration, kubeconfig, context)
    try:
        api = ApiClient(configuration)
    except OSError as error:  # certificates are read here
        raise _unreadable(kubeconfig, error) from None
    async with api:
        yield KubeClient(api, answer_timeout_s=answer_timeout_s)


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


def _refusal(where: str, status: int, body: bytes) -> Exception:
    try:
        said = msgspec.json.decode(body, type=_Status).message or f"status {status}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = f"status {status}"
    if status == _GONE:
        return Expired(f"{where}: {said}")
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return ClusterUnavailable(f"{where}: {status}, {said}")
    fix = {
        _UNAUTHORIZED: "renew the account's token or certificate",
        _FORBIDDEN: "give the account the right to list nodes, pods and services",
    }.get(status, "check that this is a Kubernetes API server")
    return InputError(where, f"{status}, {said}", fix)
