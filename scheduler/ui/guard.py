"""Who may ask for what: probes and metrics anyone, the page only who is on this machine.

In a cluster the server listens on the pod's address, for the kubelet's probes and for Prometheus.
The page tells of every pod of the cluster and checks no account, so it is for those who come over
``kubectl port-forward``, which arrives on loopback and has checked theirs.
"""

import ipaddress
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from scheduler.domain.errors import InputError

HEADERS = {
    # The page loads nothing but its own files; names from the cluster are text, never markup.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/metrics"})

_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse who may not ask; answer bad questions in a sentence; set the headers."""
    if request.path not in OPEN_PATHS:
        refusal = refused(request.remote, _host(request))
        if refusal:
            return web.Response(status=403, text=refusal, headers=HEADERS)
    try:
        response = await handler(request)
    except InputError as error:
        response = web.Response(
            status=400,
            body=msgspec.json.encode({"error": str(error)}),
            content_type="application/json",
        )
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def refused(peer: str | None, host: str | None) -> str:
    """Return why a request for the page is refused, or the empty text.

    Parameters
    ----------
    peer
        Address it comes from.
    host
        Name it asks for: a page elsewhere that has its own name point here must not reach in.
    """
    if not _is_loopback(peer or ""):
        return (
            "the page is only for this machine; use kubectl port-forward and ask for 127.0.0.1. "
            "Open to all: /healthz, /readyz, /metrics\n"
        )
    if (host or "") not in _LOCAL_NAMES:
        return "ask for 127.0.0.1 or localhost\n"
    return ""


def _host(request: web.Request) -> str:
    """Return the name that is asked for; none where what is written is no name and port."""
    try:
        return request.url.host or ""
    except ValueError:
        return ""


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
