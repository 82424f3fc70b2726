"""Following one kind: resuming, replacing, and saying when changes may have been missed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scheduler.domain.cluster_events import ClusterEvent, NodeChanged, NodeDeleted, Unreadable
from scheduler.kube.kinds import followed_kinds
from scheduler.kube.outage import OUTAGE_S, Outage
from scheduler.kube.reflector import Reflector, Telling
from tests.scripted_api import (
    ScriptedApi,
    ScriptedKind,
    added,
    bookmark,
    deleted,
    expired,
    node,
    status,
)


@dataclass
class Followed:
    """A reflector of nodes that runs, and what it told."""

    reflector: Reflector
    kind: ScriptedKind
    events: list[ClusterEvent] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: ClusterEvent) -> None:
        self.events.append(event)
        self.told.set()

    def take_step(self, what: str) -> None:
        self.steps.append(what)
        self.told.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self.told.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self.told.wait()

    @property
    def names(self) -> list[str]:
        """Nodes as they were told, a deleted one with a minus."""
        out = []
        for event in self.events:
            if isinstance(event, NodeChanged):
                out.append(event.node.name)
            elif isinstance(event, NodeDeleted):
                out.append(f"-{event.name}")
        return out


@asynccontextmanager
async def following(
    kind: ScriptedKind, folder: Path, *, silence_s: float = 60.0, outage_s: float = OUTAGE_S
) -> AsyncIterator[Followed]:
    api = ScriptedApi()
    api.kinds["nodes"] = kind
    async with api.client(folder) as client:
        followed: Followed | None = None

        def take(event: ClusterEvent) -> None:
            assert followed is not None
            followed.take(event)

        def take_step(what: str) -> None:
            assert followed is not None
            followed.take_step(what)

        nodes = followed_kinds()[0]
        reflector = Reflector(
            client, nodes, Telling(take, take_step), silence_s=silence_s, outage_s=outage_s
        )
        followed = Followed(reflector, kind)
        running = asyncio.create_task(reflector.run())
        try:
            yield followed
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_watch_that_ends_cleanly_is_resumed_from_the_last_version_seen(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[added(node("b", 7)), bookmark(9)], [added(node("c", 11))], []]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: len(kind.asked) == 3)

        assert kind.asked == ["5", "9", "11"]
        assert followed.names == ["a", "b", "c"]
        assert (kind.lists, followed.steps) == (1, [""])


async def test_a_connection_that_breaks_in_the_middle_of_a_line_loses_nothing(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([], version=5)
    kind.watches = [[added(node("a", 6)), b'{"type":"ADDED","obj'], [added(node("b", 7))]]
    kind.breaks = {0}

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: followed.names == ["a", "b"])

        assert kind.asked == ["5", "6"]
        assert kind.lists == 1


@pytest.mark.parametrize("by_status", [False, True], ids=["as an event", "as a status"])
async def test_what_is_gone_when_a_version_has_expired_is_told_as_deleted(
    tmp_path: Path, *, by_status: bool
) -> None:
    kind = ScriptedKind([node("a"), node("b")], version=5)
    happened = asyncio.Event()
    kind.watches = [[happened, *([] if by_status else [expired()])], []]
    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: followed.steps == [""])
        kind.items, kind.version = [node("b"), node("c")], 50
        if by_status:
            kind.refusals.append(status(410, "too old resource version"))
        happened.set()
        await followed.until(lambda: len(followed.steps) == 3)

        assert followed.names == ["a", "b", "b", "c", "-a"]
        assert "too old" in followed.steps[1]
        assert followed.steps[2] == ""
        await followed.until(lambda: kind.asked[-1] == "50")


async def test_deletions_and_changes_are_told_as_they_come(tmp_path: Path) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[deleted(node("a", 6)), added(node("a", 7))]]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: len(followed.events) == 3)

        assert followed.names == ["a", "-a", "a"]


async def test_an_object_that_cannot_be_read_is_told_of_and_the_others_are_followed(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("bad", cpu="many"), node("good")], version=5)

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: followed.steps == [""])

        assert followed.names == ["-bad", "good"]
        [unreadable] = [e for e in followed.events if isinstance(e, Unreadable)]
        assert "bad" in unreadable.what
        assert "many" in unreadable.what


async def test_a_line_that_is_not_json_has_everything_listed_anew(tmp_path: Path) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[b"<html>\n"], []]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: kind.lists == 2 and len(followed.steps) == 3)

        assert followed.steps[2] == ""


async def test_a_watch_that_falls_silent_is_resumed(tmp_path: Path) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[asyncio.Event()], [added(node("b", 6))]]

    async with following(kind, tmp_path, silence_s=0.2) as followed:
        await followed.until(lambda: followed.names == ["a", "b"])

        assert kind.asked[:2] == ["5", "5"]


async def test_a_watch_that_is_refused_for_a_while_is_tried_again(tmp_path: Path) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.refusals = [status(500, "etcd leader changed"), status(403, "not now")]
    kind.watches = [[added(node("b", 6))]]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: followed.names == ["a", "b"])

        assert kind.asked == ["5", "5", "5"]
        assert kind.lists == 1


async def test_listing_anew_on_request_is_out_of_step_at_once_and_until_it_is_done(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("a")], version=5)

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: followed.steps == [""])
        kind.items, kind.version = [node("b")], 8
        followed.reflector.list_anew()
        assert len(followed.steps) == 2
        assert followed.steps[1]
        await followed.until(lambda: followed.steps[-1] == "")

        assert followed.names == ["a", "b", "-a"]


@pytest.mark.looptime
async def test_an_outage_is_told_once_when_it_lasts_and_once_when_it_ends() -> None:
    told: list[str] = []
    outage = Outage(told.append)

    assert not outage.ends(is_of_use=False)
    outage.is_ill("down")
    assert told == []
    await asyncio.sleep(OUTAGE_S + 1)
    outage.is_ill("still down")
    outage.is_ill("still down")
    assert told == ["still down"]
    outage.is_answered()
    await asyncio.sleep(0.5)
    assert told == ["still down"]  # it may end at once, as those before
    await asyncio.sleep(1)

    assert told == ["still down", ""]
    assert outage.ends(is_of_use=False)


@pytest.mark.looptime
async def test_a_watch_that_only_ever_begins_is_an_outage() -> None:
    told: list[str] = []
    outage = Outage(told.append)
    for _ in range(30):
        outage.is_answered()
        await asyncio.sleep(0.01)
        outage.ends(is_of_use=False)
        outage.is_ill("ends as soon as it begins")
        await asyncio.sleep(0.5)

    assert told == ["ends as soon as it begins"]


async def test_a_kind_whose_versions_expire_at_once_is_not_listed_without_a_pause(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[expired()] for _ in range(50)]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: kind.lists >= 4)
        lists = kind.lists
        await asyncio.sleep(0.3)  # the pauses double: 0.1 s, 0.2 s, 0.4 s, …

        assert kind.lists <= lists + 1


async def test_a_server_that_ends_every_watch_at_once_is_not_asked_without_a_pause(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.watches = [[bookmark(6 + number)] for number in range(50)]

    async with following(kind, tmp_path) as followed:
        await followed.until(lambda: len(kind.asked) >= 4)
        asked = len(kind.asked)
        await asyncio.sleep(0.3)  # the pauses double: 0.1 s, 0.2 s, 0.4 s, …

        assert len(kind.asked) <= asked + 1
        assert kind.asked[:3] == ["5", "6", "7"]


async def test_a_server_that_does_not_answer_is_an_outage(tmp_path: Path) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.refusals = [status(503, "starting") for _ in range(200)]

    async with following(kind, tmp_path, outage_s=0.5) as followed:
        await followed.until(lambda: len(followed.steps) == 2)
        assert "starting" in followed.steps[1]
        kind.refusals.clear()
        await followed.until(lambda: followed.steps[-1] == "")

        assert kind.lists == 1


async def test_a_watch_that_is_back_is_not_in_step_while_it_is_to_be_listed_anew(
    tmp_path: Path,
) -> None:
    kind = ScriptedKind([node("a")], version=5)
    kind.refusals = [status(503, "starting") for _ in range(200)]
    may_come = asyncio.Event()
    kind.watches = [[may_come, added(node("b", 6)), asyncio.Event()], []]

    async with following(kind, tmp_path, outage_s=0.5) as followed:
        await followed.until(lambda: len(followed.steps) == 2)
        kind.refusals.clear()
        may_come.set()
        await followed.until(lambda: "b" in followed.names)  # of use, and out of step still
        assert len(followed.steps) == 2
        lists = kind.lists
        followed.reflector.list_anew()
        await followed.until(lambda: followed.steps[-1] == "")

        assert kind.lists == lists + 1
        assert followed.steps.count("") == 2  # after the first list, and after the second
