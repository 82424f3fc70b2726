"""A scheduler on loopback that answers reports as a test scripts it, in raw bytes.

Reports are read by hand here, as `telemetry.agent.wire` describes them: nothing of the ingest is
shared, and what no ingest would say can be said.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

INSTANCE = "0123456789abcdef" * 2
OTHER_INSTANCE = "fedcba9876543210" * 2

_FIELDS = struct.Struct("<QIIIBBBB")


@dataclass(frozen=True)
class Request:
    """A report as it came. `records` by key: median, least, age in ms, sent, lost, method."""

    headers: dict[str, str]
    head: dict[str, Any]
    records: dict[int, tuple[int, ...]]
    connection: int


Script = Callable[[Request], bytes | None]
"""Gives the raw answer to a report; None ends the connection without one."""

Serve = Callable[[socket.socket], None]


class LoopbackServer:
    """Hands each connection to `serve`, on a thread of its own."""

    def __init__(self, serve: Serve, port: int = 0) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections, and free the port."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._open.append(sock)
                thread = threading.Thread(target=self._run, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _run(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            self._serve(sock)


@dataclass
class ScriptedScheduler:
    """Answers reports one after the other, and keeps them.

    `answer` may be changed at any time; what it gives is sent as it is.
    """

    answer: Script
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    port: int = 0

    def serve(self, sock: socket.socket) -> None:
        """Answer the reports of one connection."""
        self.connections += 1
        connection = self.connections
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                if not (came := sock.recv(65536)):
                    return
                buffer += came
            text, _, buffer = buffer.partition(b"\r\n\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in text.decode().split("\r\n"))
            }
            length = int(headers["content-length"])
            while len(buffer) < length:
                if not (came := sock.recv(65536)):
                    return
                buffer += came
            body, buffer = buffer[:length], buffer[length:]
            request = _read(headers, body, connection)
            # Decided before it is kept: a test that saw a request may change the answers after it.
            answer = self.answer(request)
            self.requests.append(request)
            if answer is None:
                return
            sock.sendall(answer)

    @property
    def heads(self) -> list[dict[str, Any]]:
        """The heads of all reports so far."""
        return [request.head for request in list(self.requests)]


def _read(headers: dict[str, str], body: bytes, connection: int) -> Request:
    (length,) = struct.unpack_from("<H", body)
    head, rows = json.loads(body[2 : 2 + length]), body[2 + length :]
    assert len(rows) == head["records"] * _FIELDS.size
    records = {key: tuple(fields) for key, *fields in _FIELDS.iter_unpack(rows)}
    assert len(records) == head["records"], "a peer stands twice in one report"
    return Request(headers, head, records, connection)


@contextmanager
def scripted_scheduler(answer: Script, port: int = 0) -> Iterator[ScriptedScheduler]:
    """Give a scheduler that answers as `answer` says."""
    scheduler = ScriptedScheduler(answer)
    with LoopbackServer(scheduler.serve, port) as server:
        scheduler.port, scheduler.url = server.port, f"http://127.0.0.1:{server.port}"
        yield scheduler


def answered(status: int, body: object, **headers: str) -> bytes:
    """Return an answer with a JSON body."""
    text = json.dumps(body).encode()
    said = {"Content-Type": "application/json", "Content-Length": str(len(text))}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + text


def taken(request: Request, **changes: object) -> bytes:
    """Return the answer to a report that is taken, with no orders but for `changes`."""
    said = {
        "v": 1,
        "instance": INSTANCE,
        "taken": request.head["seq"],
        "leading": True,
        "peers": None,
        "orders": None,
        "urgent": [],
        "report_ms": 10_000,
        "pps": 10,
        "urgent_pps": 1000,
    }
    return answered(200, {**said, **changes})


def unmet(instance: str = INSTANCE) -> bytes:
    """Return the refusal of a report that is for another instance, or for none."""
    said = {"error": "send the whole row", "reason": "instance", "instance": instance}
    return answered(409, said)


def peer_list(version: int, names: list[str]) -> dict[str, object]:
    """Return a whole list of peers, at addresses of 10.0.0.0/16."""
    pairs = [[name, f"10.0.{at // 200}.{at % 200 + 1}"] for at, name in enumerate(names)]
    return {"version": version, "whole": True, "set": pairs, "gone": []}


def taking(peers: dict[str, object], **changes: object) -> Script:
    """Return the script of a scheduler that leads, takes every report, and gives `peers`."""

    def answer(request: Request) -> bytes:
        if request.head["to"] != INSTANCE:
            return unmet()
        told = None if request.head["peers"] == peers["version"] else peers
        return taken(request, peers=told, **changes)

    return answer
