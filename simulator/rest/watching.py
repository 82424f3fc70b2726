"""Watches: changes of a collection as a stream of JSON lines."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice

import msgspec

from simulator.change import Change, JsonObject, Refused
from simulator.rest.answers import status_of
from simulator.rest.query import flag, number
from simulator.rest.reading import selected, wanted_by
from simulator.rest.registry import Registry
from simulator.rest.resources import Target
from simulator.rest.selection import Selector
from simulator.rest.watchlog import Entry

_LONGEST_S = 600
_BOOKMARK_S = 30.0
"""A real API server sends one about every minute."""
_LINES = 200  # sent at once, so that other requests get their turn
_INITIAL_END = "k8s.io/initial-events-end"

Shown = Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, slots=True)
class Watch:
    """What one watch asked for.

    Parameters
    ----------
    target
        The collection.
    wanted
        Whether an object is in it.
    version
        The changes after this one; 0 begins with all there is.
    timeout_s
        When the stream ends, cleanly.
    bookmarks
        Whether to tell how far the log has come while nothing else is told.
    marks_initial
        Whether a bookmark ends what there is.
    """

    target: Target
    wanted: Selector
    version: int
    timeout_s: float
    bookmarks: bool
    marks_initial: bool


def watch_of(target: Target, query: Mapping[str, str]) -> Watch:
    """Read what a watch asks for.

    Raises
    ------
    Refused
        400 for options that make no sense.
    """
    return Watch(
        target,
        wanted_by(target, query),
        version=number(query, "resourceVersion") or 0,
        timeout_s=min(number(query, "timeoutSeconds") or _LONGEST_S, _LONGEST_S),
        bookmarks=flag(query, "allowWatchBookmarks"),
        marks_initial=flag(query, "sendInitialEvents"),
    )


def check_start(registry: Registry, watch: Watch) -> None:
    """Refuse a watch that would begin with changes which are not kept.

    A real API server may say so in an ERROR event too, as this one does to a watch that falls
    behind later; clients must understand both.

    Raises
    ------
    Refused
        410.
    """
    if watch.version and not watch.marks_initial:
        registry.log.after(watch.version)


async def lines(registry: Registry, watch: Watch, show: Shown) -> AsyncGenerator[bytes, None]:
    """Yield a watch's events, some lines at a time; end when its time is over or it is too late."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + watch.timeout_s
    version = watch.version
    if not version or watch.marks_initial:
        version, first = _initial(registry, watch, show)
        yield first
    told = version
    async with aclosing(_steps(registry, watch, version, end_s)) as steps:
        async for reached, events in steps:
            if isinstance(events, Refused):
                yield _line("ERROR", status_of(events))
                return
            if events:
                yield b"".join(_line(kind, show(obj)) for kind, obj in events)
                told = reached
            elif watch.bookmarks and reached > told:
                yield _bookmark(watch.target, reached)
                told = reached


async def _steps(
    registry: Registry, watch: Watch, version: int, end_s: float
) -> AsyncGenerator[tuple[int, list[tuple[str, JsonObject]] | Refused], None]:
    """Yield how far the log was read and what was found; nothing found is a time to bookmark."""
    loop = asyncio.get_running_loop()
    bookmark_s = loop.time() + _BOOKMARK_S
    while (now_s := loop.time()) < end_s:
        if now_s >= bookmark_s:
            bookmark_s = now_s + _BOOKMARK_S
            yield version, []
        try:
            async with asyncio.timeout(min(end_s, bookmark_s) - now_s):
                await registry.log.grown(version)
        except TimeoutError:
            continue
        if registry.log.is_closed:
            break
        try:
            entries = list(islice(registry.log.after(version), _LINES))
        except Refused as refusal:
            yield version, refusal
            return
        version = entries[-1].change.version
        events = [event for event in map(watch_event(watch), entries) if event is not None]
        if events:
            yield version, events
        await asyncio.sleep(0)  # a busy log must not keep other requests waiting
    yield version, []


def watch_event(watch: Watch) -> Callable[[Entry], tuple[str, JsonObject] | None]:
    """Return what turns a change into the event this watch is told of it.

    An object that comes to match the selectors is added to the watch, one that stops is deleted.
    """

    def told(entry: Entry) -> tuple[str, JsonObject] | None:
        change = entry.change
        if change.key.kind != watch.target.resource.kind.name:
            return None
        was = entry.before is not None and watch.wanted(entry.before)
        is_in = change.type != "DELETED" and watch.wanted(change.object)
        match was, is_in:
            case False, True:
                return "ADDED", change.object
            case True, True:
                return "MODIFIED", change.object
            case True, False:
                return "DELETED", _last_wanted(change, entry.before)
            case _:
                return None

    return told


def _last_wanted(change: Change, before: JsonObject | None) -> JsonObject:
    """Return the last object that matched, under the version of what it stopped with."""
    if change.type == "DELETED" or before is None:
        return change.object
    version = change.object["metadata"]["resourceVersion"]
    return {**before, "metadata": {**before["metadata"], "resourceVersion": version}}


def _initial(registry: Registry, watch: Watch, show: Shown) -> tuple[int, bytes]:
    version = registry.running.cluster.version
    objects = [o for o in selected(registry, watch.target, {}) if watch.wanted(o)]
    out = b"".join(_line("ADDED", show(obj)) for obj in objects)
    if watch.marks_initial:
        out += _bookmark(watch.target, version, {_INITIAL_END: "true"})
    return version, out


def _bookmark(target: Target, version: int, annotations: JsonObject | None = None) -> bytes:
    meta: JsonObject = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    resource = target.resource
    obj = {"kind": resource.kind.name, "apiVersion": resource.group_version, "metadata": meta}
    return _line("BOOKMARK", obj)


def _line(kind: str, obj: JsonObject) -> bytes:
    return msgspec.json.encode({"type": kind, "object": obj}) + b"\n"
