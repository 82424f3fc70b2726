"""What the server answers with: objects, ``metav1.Status``, plain text."""

import msgspec
from aiohttp import web

from simulator.change import JsonObject, Refused

JSON = "application/json"


def answer(body: object, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=JSON)


def status_of(refusal: Refused) -> JsonObject:
    """Return a refusal as the Status object the API server sends."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": refusal.message,
        **({"reason": refusal.reason} if refusal.reason else {}),
        **({"details": refusal.details} if refusal.details is not None else {}),
        "code": refusal.code,
    }


def refused(refusal: Refused) -> web.Response:
    """Return a refusal as a response."""
    return answer(status_of(refusal), refusal.code)


def success(details: JsonObject | None = None, *, code: int | None = None) -> JsonObject:
    """Return the Status of what was done."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        **({"details": details} if details is not None else {}),
        **({"code": code} if code is not None else {}),
    }


def bad_request(message: str) -> Refused:
    """Return the refusal of a request that makes no sense."""
    return Refused(400, "BadRequest", message)


def no_such_path() -> Refused:
    """Return the refusal of a path nothing is at."""
    message = "the server could not find the requested resource"
    return Refused(404, "NotFound", message, {})


def no_such_method() -> Refused:
    """Return the refusal of a method the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return Refused(405, "MethodNotAllowed", message, {})


def expired(message: str) -> Refused:
    """Return the refusal of what is too old to be known."""
    return Refused(410, "Expired", message)
