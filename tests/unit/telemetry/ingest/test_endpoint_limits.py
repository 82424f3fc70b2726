"""What nobody can do to the endpoint: send too much, too often, too slowly, or nonsense."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from telemetry.agent import wire
from telemetry.ingest.door import DoorLimits
from telemetry.ingest.endpoint import Listening, PortUnusable, serving
from telemetry.ingest.ingest import IngestTerms
from telemetry.rows import MeasuredRow
from tests.real.agents import (
    ACCOUNT,
    INSTANCE,
    Answer,
    Caller,
    Scene,
    body,
    calling,
    directory,
    record,
    scene,
)

ONE = [record("b", 25_000)]


def nothing_changed(made: Scene, reason: str) -> None:
    """Make sure that one report was refused for a reason, and left nothing behind."""
    assert made.refused == {reason: 1}
    assert (made.sink.rows, made.taken, made.ingest.agents()) == ([], {}, [])


def is_refused(answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.reason) == (status, reason), answer.said
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.said["error"]


async def test_one_agent_that_sends_too_often_is_slowed_down_and_others_are_not() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        found = await asyncio.gather(*(caller.send(body("a", ONE), "a") for _ in range(60)))
        other = await caller.send(body("b", [record("a")]), "b")

    slowed = [answer for answer in found if answer.status == 429]
    assert len(slowed) >= 20  # the burst is 20, and 10 a second come on top while it runs
    for answer in slowed:
        is_refused(answer, 429, "rate")
        assert int(answer.headers["Retry-After"]) >= 1
    assert other.status == 200


async def test_the_limit_on_a_report_grows_with_the_cluster() -> None:
    small, large = scene(), scene(tuple(f"n{number}" for number in range(5000)))

    assert small.ingest.most_bytes == 24 * (2 * 3 + 64) + (64 << 10)
    assert large.ingest.most_bytes == 24 * (2 * 5000 + 64) + (64 << 10)
    large.directory.current = directory(f"n{number}" for number in range(200_000))
    assert large.ingest.most_bytes == 8 << 20


async def chunked(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield bytes(1000)


async def test_a_body_that_says_no_length_is_cut_off_where_the_limit_is() -> None:
    made = scene()
    headers = {"Content-Type": wire.CONTENT_TYPE, "Authorization": "Bearer a"}
    async with calling(made.ingest) as caller:
        url = f"{caller.url}{wire.PATH}"
        async with caller.session.post(url, data=chunked(100_000), headers=headers) as got:
            said = await got.json()

    assert (got.status, said["reason"]) == (413, "size")
    nothing_changed(made, "size")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", wire.PATH, 405), ("PUT", wire.PATH, 405), ("POST", "/", 404), ("GET", "/x", 404)],
)
async def test_there_is_one_thing_to_ask_for(method: str, path: str, status: int) -> None:
    made = scene()
    async with (
        calling(made.ingest) as caller,
        caller.session.request(method, f"{caller.url}{path}") as got,
    ):
        assert (got.status, "reports" in await got.text()) == (status, True)


async def test_before_the_nodes_are_known_agents_are_asked_to_come_again() -> None:
    made = scene()
    made.directory.current = directory(())
    async with calling(made.ingest) as caller:
        answer = await caller.send(body("a", ONE), "a")

    is_refused(answer, 503, "busy")
    assert answer.headers["Retry-After"] == "2"


class _Broken:
    def take(self, row: MeasuredRow, *, whole: bool) -> None:
        raise RuntimeError(f"no room for {row.node}, {whole}")


async def test_a_fault_of_ours_is_told_here_and_the_agent_sends_the_same_report_again() -> None:
    made = scene()
    sound, made.ingest._sink = made.ingest._sink, _Broken()  # noqa: SLF001 - the sink fails once
    async with calling(made.ingest) as caller:
        answer = await caller.send(body("a", ONE, seq=3), "a")
        made.ingest._sink = sound  # noqa: SLF001
        again = await caller.send(body("a", ONE, seq=3), "a")

    is_refused(answer, 503, "busy")
    assert [str(error) for error in made.failed] == ["no room for a, True"]
    assert again.status == 200


def connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=20)
    made.settimeout(20)
    return made


async def ended(one: socket.socket) -> bytes:
    """Return what a connection still says before it ends."""

    def read() -> bytes:
        said = b""
        try:
            while chunk := one.recv(65_536):
                said += chunk
        except ConnectionResetError:
            pass
        return said

    return await asyncio.to_thread(read)


async def test_connections_of_one_address_are_bounded() -> None:
    made = scene()
    where = Listening(0, "127.0.0.1", limits=DoorLimits(connections=100, of_one_address=3))
    async with serving(made.ingest, where) as port:
        held = [connected(port) for _ in range(3)]
        with connected(port) as more:
            assert await ended(more) == b""
        assert made.refused == {"busy": 1}

        held.pop().close()
        for _ in range(100):
            with connected(port) as next_one:
                next_one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if (await ended(next_one)).startswith(b"HTTP/1.1 404"):
                    break
        else:
            pytest.fail("no connection is let in though one has ended")
        for one in held:
            one.close()


def request_head(length: int) -> bytes:
    lines = [
        f"POST {wire.PATH} HTTP/1.1",
        "Host: x",
        f"Content-Type: {wire.CONTENT_TYPE}",
        "Authorization: Bearer a",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def whole(reader: asyncio.StreamReader) -> bytes:
    """Return all that arrives. Who still sends when the other side closes is reset, not ended."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := await reader.read(1 << 16):
            said += chunk
    return said


async def trickled(port: int, said: bytes, *, first: bytes = b"") -> bytes:
    """Send a byte at a time, for as long as somebody listens; return what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    answered = asyncio.create_task(whole(reader))
    async with asyncio.timeout(20):
        for at in range(len(said)):
            if answered.done():
                break
            writer.write(said[at : at + 1])
            await asyncio.sleep(0.02)
        answer = await answered
    writer.close()
    return answer


def hurried() -> Scene:
    """Return the ingest of a cluster whose agents report all the time."""
    return scene(terms=IngestTerms(ACCOUNT, report_s=0.05, instance=INSTANCE))


@pytest.mark.parametrize("sent", [b"", b"P", request_head(9)[:-2] + b"A: b\r\n" * 500])
async def test_who_never_ends_the_head_of_a_request_is_cut_off(sent: bytes) -> None:
    made = hurried()
    where = Listening(0, "127.0.0.1", limits=DoorLimits(head_s=0.3))
    async with serving(made.ingest, where) as port:
        assert b"200" not in await trickled(port, sent)

    assert (made.taken, made.verifier.asked) == ({}, {})


async def test_who_never_ends_a_body_is_refused_and_cut_off() -> None:
    made = hurried()
    where = Listening(0, "127.0.0.1", limits=DoorLimits(body_s=0.3))
    async with serving(made.ingest, where) as port:
        answer = await trickled(port, bytes(5_000), first=request_head(5_000))

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"did not arrive within 0.3 s" in answer
    nothing_changed(made, "form")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 100,
        b"POST " + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"POST /v1/reports HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ],
    ids=range(7),
)
async def test_what_is_no_http_ends_the_connection_and_nothing_else(sent: bytes) -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        port = int(caller.url.rpartition(":")[2])
        with connected(port) as one:
            one.sendall(sent)
            said = await ended(one)
        assert said.startswith(b"HTTP/1.") is (b" 400 " in said[:20])
        assert (await caller.send(body("a", ONE), "a")).status == 200

    assert made.failed == []


async def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    made = scene()
    async with serving(made.ingest, Listening(0, "127.0.0.1")) as port:
        with pytest.raises(PortUnusable, match=rf"port {port} of 127\.0\.0\.1 cannot be used"):
            async with serving(scene().ingest, Listening(port, "127.0.0.1")):
                pass


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_it_listens_on_both_kinds_of_address_unless_told_otherwise(address: str) -> None:
    if address == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    made = scene()
    made.directory.current = replace(made.directory.current, node_of={"127.0.0.1": "a"})
    async with serving(made.ingest, Listening(0)) as port, aiohttp.ClientSession() as session:
        named = f"[{address}]" if ":" in address else address
        caller = Caller(session, f"http://{named}:{port}")
        assert (await caller.send(body("a", ONE), "a")).status == 200
