"""Follows one kind: lists it, then watches; what a new list does not name is gone.

A watch that ends is resumed from the last resourceVersion at once: the API server ends slow watches
cleanly, with no error. Only where the server has forgotten what came after that version (410) is
the kind listed anew, and *replaced*: without that, deletions in the gap would be lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

import msgspec

from scheduler.domain.cluster_events import ClusterEvent, Unlisted, Unreadable
from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.kube.answers import Denied, Expired
from scheduler.kube.client import KubeClient
from scheduler.kube.kinds import Head, Kind, Metadata
from scheduler.kube.outage import GOOD_LIFE_S, OUTAGE_S, Outage, TellSync
from scheduler.kube.pages import pages
from scheduler.kube.watch import SILENCE_S, Change, watch

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_LONGEST_RELIST_S = 30.0
_MOST_LISTS = 5
_WITHOUT_S = 30.0
"""Between two tries to list a kind that is not served, or that we may not list."""

_FORBIDDEN, _NOT_FOUND = 403, 404


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom a reflector tells what; none of them may block.

    Parameters
    ----------
    event
        Takes each event.
    sync
        Takes what is wrong when the events told may not be all there is, and nothing when they are.
    watch_ended
        Takes the kind's name whenever a watch ended, to be resumed.
    seen
        Takes each object as JSON before its event is told; nothing for one that is gone.
    """

    event: Callable[[ClusterEvent], None]
    sync: TellSync
    watch_ended: Callable[[str], None] = lambda _kind: None
    seen: Callable[[Metadata, bytes], None] = lambda _metadata, _obj: None


class Reflector:
    """One kind of one cluster.

    Parameters
    ----------
    client
        Connected.
    kind
        What to follow.
    telling
        Whom to tell what.
    silence_s
        As `scheduler.kube.watch.watch`.
    outage_s
        A watch that cannot be resumed for so long is out of step, seconds.
    """

    def __init__(
        self,
        client: KubeClient,
        kind: Kind,
        telling: Telling,
        *,
        silence_s: float = SILENCE_S,
        outage_s: float = OUTAGE_S,
    ) -> None:
        self._client = client
        self._kind = kind
        self._tell = telling.event
        self._tell_sync = telling.sync
        self._tell_end = telling.watch_ended
        self._tell_seen = telling.seen
        self._silence_s = silence_s
        self._outage_s = outage_s
        self._version = ""
        self._known: dict[tuple[str, str], Metadata] = {}
        self._anew = asyncio.Event()
        self._is_unlisted = False

    @property
    def plural(self) -> str:
        """The kind's name."""
        return self._kind.plural

    def known(self, namespace: str, name: str) -> Metadata | None:
        """Return what was last told of an object's metadata."""
        return self._known.get((namespace, name))

    def list_anew(self) -> None:
        """Have everything listed again, from the server's storage; out of step until it is."""
        self._anew.set()
        self._tell_sync(f"{self._kind.plural} are listed anew")

    async def run(self) -> None:
        """Follow until cancelled.

        Raises
        ------
        ClusterUnavailable, Denied
            If a list fails, but for a kind that we can do without. A watch that fails is resumed.
        """
        now_s, wait_s = asyncio.get_running_loop().time, _FIRST_WAIT_S
        while True:
            self._anew.clear()
            try:
                await self._list()
            except Denied as error:
                if not self._can_do_without(error):
                    raise
                await self._do_without(error)
                continue
            self._tell_unlisted("")
            if self._anew.is_set():
                continue
            self._tell_sync("")
            began_s = now_s()
            self._tell_sync(await self._follow_until_anew())
            if self._anew.is_set() or now_s() - began_s >= GOOD_LIFE_S:
                wait_s = _FIRST_WAIT_S
                continue
            # A server, or a login page before it, that forgets at once must not be listed for ever.
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_RELIST_S)

    # A kind that is not served, or may not be listed

    def _can_do_without(self, error: Denied) -> bool:
        return self._kind.is_optional and error.status in (_FORBIDDEN, _NOT_FOUND)

    async def _do_without(self, error: Denied) -> None:
        """Tell that there is nothing, or nothing that we may see; return when to try again."""
        for key in list(self._known):
            self._let_go(self._known.pop(key))
        # What is not served has no objects. What may not be seen may have some.
        self._tell_unlisted(str(error) if error.status == _FORBIDDEN else "")
        self._tell_sync("")
        with suppress(TimeoutError):
            async with asyncio.timeout(_WITHOUT_S):
                await self._anew.wait()

    def _tell_unlisted(self, why: str) -> None:
        if why or self._is_unlisted:
            self._is_unlisted = bool(why)
            self._tell(Unlisted(self._kind.plural, why))

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
        async with aclosing(pages(self._client, self._kind.path)) as listed:
            async for page in listed:
                # Pages go on as of the first one's version: what came later, the watch tells.
                version = version or page.resource_version
                for obj in page.items:
                    metadata = _metadata(obj, self._kind.path)
                    named.add((metadata.namespace, metadata.name))
                    self._take(metadata, obj)
        for key in self._known.keys() - named:
            self._let_go(self._known.pop(key))
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
        outage, wait_s = Outage(self._tell_outage, self._outage_s), _FIRST_WAIT_S
        while True:
            is_of_use = False
            what = f"the watch of {self._kind.plural} ends as soon as it begins"
            try:
                async with aclosing(self._watch()) as watched:
                    async for changes in watched:
                        outage.is_answered()
                        for change in changes:
                            is_of_use |= self._apply(change)
            except Expired as error:
                return str(error)
            except (ClusterUnavailable, Denied) as error:
                what = str(error)
                if isinstance(error, Denied) and self._can_do_without(error):
                    return what
            finally:
                is_well = outage.ends(is_of_use=is_of_use)
                self._tell_end(self._kind.plural)
            if is_well:
                wait_s = _FIRST_WAIT_S  # resumed at once
                continue
            outage.is_ill(what)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _tell_outage(self, what: str) -> None:
        """Tell of a watch that is out, or back; what is to be listed anew is not in step by it."""
        if not self._anew.is_set():
            self._tell_sync(what)

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
            self._let_go(metadata)
        return change.type in ("ADDED", "MODIFIED", "DELETED")

    def _let_go(self, metadata: Metadata) -> None:
        self._tell_seen(metadata, b"")
        self._tell(self._kind.gone(metadata))

    def _take(self, metadata: Metadata, obj: bytes) -> None:
        self._known[(metadata.namespace, metadata.name)] = metadata
        self._tell_seen(metadata, obj)
        try:
            event = self._kind.changed(obj)
        except InputError as error:
            # Nothing is placed on a node, or for a pod, that cannot be read.
            self._tell(self._kind.gone(metadata))
            event = Unreadable(str(error))
        self._tell(event)


def _metadata(obj: bytes, where: str) -> Metadata:
    try:
        return _HEAD.decode(obj).metadata
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterUnavailable(f"{where}: lists what is no object ({error})") from None


_HEAD = msgspec.json.Decoder(Head)
