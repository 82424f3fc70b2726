"""What a request asks for beside its path."""

from aiohttp import web

from scheduler.domain.errors import InputError
from scheduler.ui.views import Page

_MOST_ROWS = 100_000


def number(request: web.Request, name: str, default: int) -> int:
    """Return a whole number from the query.

    Raises
    ------
    InputError
        If it is none.
    """
    said = request.query.get(name)
    if said is None:
        return default
    if not (said.isascii() and said.isdigit() and len(said) < 10):  # noqa: PLR2004 - below 2^31
        raise InputError(f"?{name}", f"{said[:40]!r} is not a number", "give a whole number from 0")
    return int(said)


def page_of(request: web.Request) -> Page:
    """Return which rows are wanted.

    Raises
    ------
    InputError
        As `number`.
    """
    limit = min(number(request, "limit", Page().limit), _MOST_ROWS)
    return Page(number(request, "offset", 0), limit)
