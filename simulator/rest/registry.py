"""What the REST door stands on: the running world, its change log, and lists read page by page."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from simulator.change import JsonObject, key_of
from simulator.rest.answers import bad_request, expired
from simulator.rest.watchlog import WINDOW, WatchLog
from simulator.running import RunningWorld

_KEPT_LISTS = 64


class _Token(msgspec.Struct, forbid_unknown_fields=True):
    list: int
    start: int


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `token` leads to the next one and is empty at the end."""

    items: Sequence[JsonObject]
    version: int
    token: str = ""
    remaining: int = 0


class Registry:
    """A running world as an API server keeps it.

    Parameters
    ----------
    running
        The world.
    window
        Changes a watch may be behind.
    """

    def __init__(self, running: RunningWorld, window: int = WINDOW) -> None:
        self.running = running
        self.log = WatchLog(running.cluster, window)
        self._lists: OrderedDict[int, tuple[int, Sequence[JsonObject]]] = OrderedDict()
        self._opened = 0
        running.follow(self.log.add)

    def sorted_objects(self, kind: str, namespace: str) -> list[JsonObject]:
        """Return the objects of a kind in the order of their keys, as etcd has them."""
        return sorted(self.running.cluster.all_of(kind, namespace), key=key_of)

    def first_page(self, items: Sequence[JsonObject], limit: int) -> Page:
        """Return the first `limit` objects of a list; all of them where it is 0.

        The list is kept as it is now, so that all pages show one moment: objects are never changed,
        and keeping them costs a reference.
        """
        version = self.running.cluster.version
        if not limit or len(items) <= limit:
            return Page(items, version)
        self._opened += 1
        self._lists[self._opened] = (version, items)
        if len(self._lists) > _KEPT_LISTS:
            self._lists.popitem(last=False)
        return self._page(self._opened, 0, limit)

    def next_page(self, token: str, limit: int) -> Page:
        """Return the page a continue token leads to.

        Raises
        ------
        Refused
            400 if it is no token, 410 if its list is not kept any more.
        """
        try:
            read = msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Token)
        except (msgspec.DecodeError, binascii.Error, ValueError):
            raise bad_request("continue key is not valid: it is no token of this server") from None
        if read.list not in self._lists or read.start < 0:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter."
            )
        return self._page(read.list, read.start, limit)

    def _page(self, number: int, start: int, limit: int) -> Page:
        version, items = self._lists[number]
        end = min(start + limit, len(items)) if limit else len(items)
        if end == len(items):
            return Page(items[start:], version)
        token = base64.urlsafe_b64encode(msgspec.json.encode(_Token(number, end))).decode()
        return Page(items[start:end], version, token, len(items) - end)
