"""An ingest endpoint with a cluster made up for a test, and agents that report to it by hand.

The reports are written as `telemetry.agent.wire` describes them, the answers read as plain JSON:
nothing of the ingest's own reading is shared.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from telemetry.agent import wire
from telemetry.ingest.desk import OrderDesk
from telemetry.ingest.endpoint import Listening, serving
from telemetry.ingest.ingest import ClusterView, Counting, Ingest, IngestTerms
from telemetry.ports import (
    Directory,
    Identity,
    MeasuringPod,
    TokenRefused,
    TokenVerifier,
    VerifierUnavailable,
)
from telemetry.rows import MeasuredRow

ACCOUNT = "system:serviceaccount:kube-system:isochrone-agent"
INSTANCE = "0123456789abcdef" * 2
RUN = "fedcba9876543210" * 2


def directory(nodes: Iterable[str], version: int = 1, agents: Iterable[str] = ()) -> Directory:
    """Return a cluster; the agent of a node has the address ``agent-of-<node>``."""
    nodes = tuple(sorted(nodes))
    pods = {name: MeasuringPod(f"agent-{name}", name, f"agent-of-{name}") for name in agents}
    return Directory(version, nodes, {name: name for name in nodes}, pods)


@dataclass
class HeldDirectory:
    """A directory that changes when the test says so."""

    current: Directory

    async def changed(self) -> None:
        """Never: the ingest looks for itself."""
        await asyncio.Event().wait()


@dataclass
class BookVerifier:
    """Vouches for what is in its book; the token of a node is its name unless the test says else.

    `asked` counts reviews by token; `gate`, while it is closed, holds them back.
    """

    book: dict[str, Identity] = field(default_factory=dict)
    is_away: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def verify(self, token: str) -> Identity:
        """Return whose token it is."""
        self.asked[token] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if self.is_away:
            raise VerifierUnavailable("nobody is there")
        if token not in self.book:
            raise TokenRefused("it is not in the book")
        return self.book[token]


@dataclass
class Taken:
    """A sink that keeps what it takes."""

    rows: list[tuple[MeasuredRow, bool]] = field(default_factory=list)

    def take(self, row: MeasuredRow, *, whole: bool) -> None:
        """Keep a row."""
        self.rows.append((row, whole))

    def told(self) -> dict[tuple[str, int], int]:
        """Return the newest RTT by node and key of the peer, microseconds."""
        return {
            (row.node, int(key)): int(rtt_us)
            for row, _ in self.rows
            for key, rtt_us in zip(row.peers, row.rtt_us, strict=True)
        }


@dataclass
class Leading:
    """Whether the desk's orders count."""

    is_so: bool = True

    def __call__(self) -> bool:
        """Return it."""
        return self.is_so


@dataclass
class Scene:
    """An ingest and all that stands around it."""

    ingest: Ingest
    desk: OrderDesk
    directory: HeldDirectory
    verifier: BookVerifier
    sink: Taken
    leading: Leading
    refused: Counter[str]
    taken: Counter[str]
    strangers: list[int]
    failed: list[Exception]


def scene(
    nodes: Sequence[str] = ("a", "b", "c"),
    *,
    terms: IngestTerms | None = None,
    verifier: TokenVerifier | None = None,
) -> Scene:
    """Return an ingest of a cluster with `nodes`, the token of each being its name."""
    terms = terms or IngestTerms(ACCOUNT, instance=INSTANCE)
    book = BookVerifier({name: Identity(ACCOUNT, name) for name in nodes})
    held, sink, leading = HeldDirectory(directory(nodes, agents=nodes)), Taken(), Leading()
    refused: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    strangers: list[int] = []
    failed: list[Exception] = []
    now_s = asyncio.get_running_loop().time
    desk = OrderDesk(leading, terms.report_s, now_s)
    counting = Counting(
        lambda reason: refused.update([reason]),
        lambda node, pairs: taken.update({node: pairs}),
        strangers.append,
        failed.append,
    )
    ingest = Ingest(ClusterView(verifier or book, held), sink, desk, terms, counting, now_s)
    return Scene(ingest, desk, held, book, sink, leading, refused, taken, strangers, failed)


def record(peer: str, rtt_us: int = 1000, **fields: int) -> wire.Record:
    """Return a sound record; `fields` differ from it."""
    sound = {
        "key": wire.node_key(peer),
        "rtt_us": rtt_us,
        "least_us": min(rtt_us, 900) if rtt_us != wire.LOST_US else rtt_us,
        "age_ms": 5,
        "sent": 3,
        "lost": 0 if rtt_us != wire.LOST_US else 3,
        "method": 1,
        "zero": 0,
    } | fields
    return tuple(sound.values())  # type: ignore[return-value] # eight of them


_numbers = itertools.count(1)


def head(node: str, /, **fields: object) -> dict[str, object]:
    """Return a sound head, of the next report of one run; `fields` differ from it."""
    return {
        "v": 1,
        "node": node,
        "run": RUN,
        "seq": next(_numbers),
        "to": INSTANCE,
        "whole": True,
        "records": 0,
        "method": "icmp",
        "peers": 0,
        "orders": 0,
        "answers": [],
        "hold_ms": 0,
        "probes": 3,
        "losses": 0,
        "dropped": 0,
    } | fields


def body(node: str, records: Sequence[wire.Record] = (), /, **fields: object) -> bytes:
    """Return a sound report; `fields` of the head differ from it."""
    text = json.dumps(head(node, **({"records": len(records)} | fields))).encode()
    rows = b"".join(wire.RECORD.pack(*one) for one in records)
    return wire.HEAD.pack(len(text)) + text + rows


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    said: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """Why it was refused."""
        return str(self.said.get("reason", ""))


@dataclass
class Caller:
    """Sends requests to a running endpoint."""

    session: aiohttp.ClientSession
    url: str

    async def send(self, report: bytes, token: str | None, **headers: str) -> Answer:
        """Send a report under a token."""
        named = {"Content-Type": wire.CONTENT_TYPE}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        named |= headers
        async with self.session.post(f"{self.url}{wire.PATH}", data=report, headers=named) as got:
            return Answer(got.status, await got.json(), dict(got.headers))


@asynccontextmanager
async def calling(ingest: Ingest, where: Listening | None = None) -> AsyncIterator[Caller]:
    """Serve an ingest on loopback, and give a way to it."""
    where = where or Listening(0, "127.0.0.1")
    async with serving(ingest, where) as port, aiohttp.ClientSession() as session:
        yield Caller(session, f"http://127.0.0.1:{port}")
