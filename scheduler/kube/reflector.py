"""Follows one kind: lists it, then watches; what a new list does not name is gone.

A watch that ends is resumed from the last resourceVersion at once: the API server ends slow watches
cleanly, with no error. Only where the server has forgotten what came after that version (410) is
the kind listed anew, and *replaced*: without that, deletions in the gap would be lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.domain.ports import ClusterEvent, Unreadable
from scheduler.kube.client import Denied, Expired, KubeClient
from scheduler.kube.kinds import Head, Kind, Metadata
from scheduler.kube.pages import pages
from scheduler.kube.watch import SILENCE_S, Change, watch

OUTAGE_S = 10.0
"""A watch that cannot be resumed for so long is out: decisions would rest on an old picture."""

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_GOOD_LIFE_S = 1.0
"""A watch that lives so long is no fault, though it may bring nothing."""

_MOST_LISTS = 5

Tell = Callable[[ClusterEvent], None]
TellSync = Callable[[str], None]
"""Called with what is wrong, or with nothing when the kind is in step again."""


class Reflector:
    """One kind of one cluster.

    Parameters
    ----------
    client
        Connected.
    kind
        What to follow.
    tell
        Takes each event; must not block.
    tell_sync
        Takes whether the events told are all there is.
    silence_s
        As `scheduler.kube.watch.watch`.
    outage_s
        A watch that cannot be resumed for so long is told to `tell_sync`, seconds.
    """

    def __init__(
        self,
        client: KubeClient,
        kind: Kind,
        tell: Tell,
        tell_sync: TellSync,
        *,
        silence_s: float = SILENCE_S,
        outage_s: float = OUTAGE_S,
    ) -> None:
        self._client = client
        self._kind = kind
        self._tell = tell
        self._tell_sync = tell_sync
        self._silence_s = silence_s
        self._outage_s = outage_s
        self._version = ""
        self._known: dict[tuple[str, str], Metadata] = {}
        self._anew = asyncio.Event()

    def list_anew(self) -> None:
        """Have everything listed again, from the server's storage; out of step until it is."""
        self._anew.set()
        self._tell_sync(f"{self._kind.plural} are listed anew")

    async def run(self) -> None:
        """Follow until cancelled.

        Raises
        ------
        ClusterUnavailable, Denied
            If a list fails. A watch that fails is resumed.
        """
        while True:
            self._anew.clear()
            await self._list()
            if self._anew.is_set():
                continue
            self._tell_sync("")
            self._tell_sync(await self._follow_until_anew())

    # Lists

    async def _list(self) -> None:
        """List everything and tell what is gone; start over where the server forgets the list."""
        for _ in range(_MOST_LISTS - 1):
            with suppress(Expired):
                await self._list_once()
                return
        await self._list_once()

    async def _list_once(self) -> None:
        named: set[tuple[str, str]] = set()
        version = ""
        async for page in pages(self._client, self._kind.path):
            # Pages go on as of the first one's version: what came later, the watch tells.
            version = version or page.resource_version
            for obj in page.items:
                metadata = _metadata(obj, self._kind.path)
                named.add((metadata.namespace, metadata.name))
                self._take(metadata, obj)
        for key in self._known.keys() - named:
            self._tell(self._kind.gone(self._known.pop(key)))
        self._version = version

    # Watches

    async def _follow_until_anew(self) -> str:
        """Watch until the kind must be listed anew, for the server or for `list_anew`."""
        follow = asyncio.create_task(self._follow())
        anew = asyncio.create_task(self._anew.wait())
        try:
            await asyncio.wait((follow, anew), return_when=asyncio.FIRST_COMPLETED)
            return follow.result() if follow.done() else f"{self._kind.plural} are listed anew"
        finally:
            for task in (follow, anew):
                task.cancel()
            await asyncio.gather(follow, anew, return_exceptions=True)

    async def _follow(self) -> str:
        """Watch, resuming, until the server has forgotten what came next; return its words."""
        outage, now_s = Outage(self._tell_sync, self._outage_s), asyncio.get_running_loop().time
        wait_s = _FIRST_WAIT_S
        while True:
            began_s, is_answered, is_of_use = now_s(), False, False
            what = f"the watch of {self._kind.plural} cannot be kept up"
            try:
                async with aclosing(self._watch()) as watched:
                    async for changes in watched:
                        outage.is_well()
                        is_answered = True
                        for change in changes:
                            is_of_use |= self._apply(change)
                outage.is_well()
            except Expired as error:
                return str(error)
            except (ClusterUnavailable, Denied) as error:
                what = str(error)
            if is_of_use or (is_answered and now_s() - began_s >= _GOOD_LIFE_S):
                wait_s = _FIRST_WAIT_S  # resumed at once
                continue
            outage.is_ill(what)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _watch(self) -> AsyncGenerator[list[Change], None]:
        return watch(self._client, self._kind.path, self._version, silence_s=self._silence_s)

    def _apply(self, change: Change) -> bool:
        """Take in a change; return whether it told of an object."""
        metadata = change.metadata
        self._version = metadata.resource_version or self._version
        if change.type in ("ADDED", "MODIFIED"):
            self._take(metadata, change.obj)
        elif change.type == "DELETED":
            self._known.pop((metadata.namespace, metadata.name), None)
            self._tell(self._kind.gone(metadata))
        return change.type in ("ADDED", "MODIFIED", "DELETED")

    def _take(self, metadata: Metadata, obj: bytes) -> None:
        self._known[(metadata.namespace, metadata.name)] = metadata
        try:
            event = self._kind.changed(obj)
        except InputError as error:
            # Nothing is placed on a node, or for a pod, that cannot be read.
            self._tell(self._kind.gone(metadata))
            event = Unreadable(str(error))
        self._tell(event)


class Outage:
    """Tells, once, when a watch has been ill for too long, and when it is well again."""

    def __init__(self, tell_sync: TellSync, outage_s: float = OUTAGE_S) -> None:
        self._tell_sync = tell_sync
        self._outage_s = outage_s
        self._now_s = asyncio.get_running_loop().time
        self._well_s = self._now_s()
        self._is_out = False

    def is_well(self) -> None:
        """Take note that the watch is answered."""
        self._well_s = self._now_s()
        if self._is_out:
            self._is_out = False
            self._tell_sync("")

    def is_ill(self, what: str) -> None:
        """Take note of a watch that failed or brought nothing."""
        if not self._is_out and self._now_s() - self._well_s >= self._outage_s:
            self._is_out = True
            self._tell_sync(what)


def _metadata(obj: bytes, where: str) -> Metadata:
    try:
        return _HEAD.decode(obj).metadata
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterUnavailable(f"{where}: lists what is no object ({error})") from None


_HEAD = msgspec.json.Decoder(Head)
