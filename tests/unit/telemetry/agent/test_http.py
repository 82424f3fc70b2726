"""The agent's HTTP connection against servers that are slow, broken, or not who they should be."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from telemetry.agent.answer import Answer
from telemetry.agent.config import read_url
from telemetry.agent.http import Connection, Failure, Target, request
from tests.real.certificates import make_certificate
from tests.real.ports import free_port
from tests.scripted_scheduler import LoopbackServer
from tests.skipping_loop import SkippingLoop, skipping_loop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def loop() -> Iterator[SkippingLoop]:
    """Give a loop whose time can be skipped."""
    with skipping_loop() as running:
        yield running


class Caller:
    """Asks over one connection."""

    def __init__(self, loop: SkippingLoop, url: str, ca_path: str = "", at: str = "") -> None:
        self.loop, self.url = loop, read_url(url)
        address = at or self.url.host
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        target = Target(self.url, family, (address, self.url.port))
        self.connection = Connection(loop, target, ca_path)

    def ask(
        self, body: bytes = b"hello", limit_s: float = 10.0, skipping_s: float = 0.0
    ) -> Answer | Failure:
        """Ask, and wait for what comes of it."""
        came: list[Answer | Failure] = []
        asked = request(self.url, "/v1/reports", {"A": "b"}, body)
        self.connection.post(asked, limit_s, came.append)
        assert not came, "whoever asks is told later"
        self.loop.until(lambda: came, skipping_s=skipping_s)
        return came[0]


@contextmanager
def calling(loop: SkippingLoop, url: str, ca_path: str = "", at: str = "") -> Iterator[Caller]:
    caller = Caller(loop, url, ca_path, at)
    try:
        yield caller
    finally:
        caller.connection.close()


def swallow(sock: socket.socket) -> bytes:
    """Read one request."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (part := sock.recv(65536)):
            return got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def serving(*answers: bytes) -> Callable[[socket.socket], None]:
    """Give these answers, and then wait for the other side to end the connection."""

    def serve(sock: socket.socket) -> None:
        for answer in answers:
            if swallow(sock):
                sock.sendall(answer)
        sock.recv(1)

    return serve


def test_one_connection_serves_many_requests(loop: SkippingLoop) -> None:
    asked: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        while got := swallow(sock):
            asked.append(got)
            sock.sendall(OK)

    with (
        LoopbackServer(serve) as server,
        calling(loop, f"http://127.0.0.1:{server.port}") as caller,
    ):
        answers = [caller.ask(b"x" * length) for length in (0, 1, 3_000_000)]

        assert [isinstance(one, Answer) and one.body for one in answers] == [b"ok"] * 3
        assert [len(one.partition(b"\r\n\r\n")[2]) for one in asked] == [0, 1, 3_000_000]
        assert asked[0].startswith(b"POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_connection_that_ended_in_between_is_made_anew(loop: SkippingLoop) -> None:
    with (
        LoopbackServer(lambda sock: sock.sendall(OK) if swallow(sock) else None) as server,
        calling(loop, f"http://127.0.0.1:{server.port}") as caller,
    ):
        first = caller.ask()
        loop.pass_by(0.05)
        second = caller.ask()

        assert isinstance(first, Answer)
        assert isinstance(second, Answer)


def test_an_answer_may_come_before_all_is_sent(loop: SkippingLoop) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def serve(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(refusal)
        sock.recv(1)

    with (
        LoopbackServer(serve) as server,
        calling(loop, f"http://127.0.0.1:{server.port}") as caller,
    ):
        answer = caller.ask(b"x" * 20_000_000)

        assert isinstance(answer, Answer)
        assert answer.status == 413


def test_nobody_there_is_unreachable(loop: SkippingLoop) -> None:
    with calling(loop, f"http://127.0.0.1:{free_port()}") as caller:
        failure = caller.ask()

        assert isinstance(failure, Failure)
        assert (failure.kind, failure.text) == ("unreachable", "Connection refused")


def test_a_connection_that_is_not_made_is_given_up(loop: SkippingLoop) -> None:
    # A full backlog leaves further connections hanging, as a firewall would.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.settimeout(0.0)
            one.connect_ex(("127.0.0.1", port))
        with calling(loop, f"http://127.0.0.1:{port}") as caller:
            failure = caller.ask(limit_s=100.0, skipping_s=0.1)
        for one in crowd:
            one.close()

    assert isinstance(failure, Failure)
    assert failure == Failure("unreachable", "no connection within 10 s")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "slow"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "slow"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhalf", "slow"),
        (b"nonsense of a kind", "garbled"),
    ],
    ids=["silent", "half-a-head", "half-a-body", "nonsense"],
)
def test_what_is_no_answer_in_time_is_a_failure(
    loop: SkippingLoop, answer: bytes, kind: str
) -> None:
    with (
        LoopbackServer(serving(answer)) as server,
        calling(loop, f"http://127.0.0.1:{server.port}") as caller,
    ):
        failure = caller.ask(limit_s=60.0, skipping_s=0.5)

        assert isinstance(failure, Failure)
        assert failure.kind == kind


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhalf"])
def test_a_connection_that_ends_too_early_is_a_failure(loop: SkippingLoop, answer: bytes) -> None:
    def serve(sock: socket.socket) -> None:
        swallow(sock)
        sock.sendall(answer)

    with (
        LoopbackServer(serve) as server,
        calling(loop, f"http://127.0.0.1:{server.port}") as caller,
    ):
        failure = caller.ask()

        assert isinstance(failure, Failure)
        assert failure.kind in {"lost", "garbled"}


def test_a_closed_connection_tells_nobody(loop: SkippingLoop) -> None:
    came: list[object] = []
    begun = Event()

    def serve(sock: socket.socket) -> None:
        begun.set()
        while sock.recv(100):
            pass

    with LoopbackServer(serve) as server:
        caller = Caller(loop, f"http://127.0.0.1:{server.port}")
        caller.connection.post(request(caller.url, "/", {}, b""), 1.0, came.append)
        loop.until(begun.is_set)
        caller.connection.close()
        loop.skip(5.0)
        loop.pass_by(0.05)

    assert came == []


def tls_serving(folder: Path, name: str) -> tuple[Path, Callable[[socket.socket], None]]:
    """Return an authority, and what serves under it."""
    certificate, key = make_certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            while swallow(secured):
                secured.sendall(OK)

    return certificate, serve


@pytest.mark.parametrize(("host", "at"), [("127.0.0.1", ""), ("localhost", "127.0.0.1")])
def test_a_server_is_known_by_its_certificate(
    loop: SkippingLoop, tmp_path: Path, host: str, at: str
) -> None:
    authority, serve = tls_serving(tmp_path, "known")
    with (
        LoopbackServer(serve) as server,
        calling(loop, f"https://{host}:{server.port}", str(authority), at) as caller,
    ):
        answers = [caller.ask(b"x" * length) for length in (1, 2_000_000)]

        assert [isinstance(one, Answer) and one.body for one in answers] == [b"ok", b"ok"]


def test_a_certificate_must_name_the_host_of_the_url(loop: SkippingLoop, tmp_path: Path) -> None:
    authority, serve = tls_serving(tmp_path, "known")
    with (
        LoopbackServer(serve) as server,
        calling(loop, f"https://elsewhere:{server.port}", str(authority), "127.0.0.1") as caller,
    ):
        failure = caller.ask()

        assert isinstance(failure, Failure)
        assert failure.kind == "tls"
        assert "elsewhere" in failure.text


def test_a_renewed_authority_counts_from_the_next_connection(
    loop: SkippingLoop, tmp_path: Path
) -> None:
    authority, serve = tls_serving(tmp_path, "right")
    other, _ = make_certificate(tmp_path, "wrong")
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(other.read_bytes())
    with (
        LoopbackServer(serve) as server,
        calling(loop, f"https://127.0.0.1:{server.port}", str(trusted)) as caller,
    ):
        failure = caller.ask()
        trusted.write_bytes(authority.read_bytes())
        answer = caller.ask()

        assert isinstance(failure, Failure)
        assert failure.kind == "tls"
        assert "not trusted" in failure.text
        assert isinstance(answer, Answer)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty"])
def test_an_authority_that_cannot_be_read_is_said(
    loop: SkippingLoop, tmp_path: Path, content: str | None
) -> None:
    trusted = tmp_path / "ca.crt"
    if content is not None:
        trusted.write_text(content)
    with (
        LoopbackServer(serving(b"")) as server,
        calling(loop, f"https://127.0.0.1:{server.port}", str(trusted)) as caller,
    ):
        failure = caller.ask()

        assert isinstance(failure, Failure)
        assert failure.kind == "tls"
        assert str(trusted) in failure.text


def test_a_server_that_speaks_no_tls_is_a_failure(loop: SkippingLoop, tmp_path: Path) -> None:
    authority, _ = make_certificate(tmp_path, "any")

    def serve(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(OK)

    with (
        LoopbackServer(serve) as server,
        calling(loop, f"https://127.0.0.1:{server.port}", str(authority)) as caller,
    ):
        failure = caller.ask()

        assert isinstance(failure, Failure)
        assert failure.kind == "tls"
