"""A loopback server that answers with whatever bytes a test writes, at whatever pace."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

Script = Callable[[socket.socket, Event], None]
"""Writes an answer to a connection; the event is set when the test is over."""


@contextmanager
def rude(
    script: Script,
    address: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    hears: bool = True,
) -> Iterator[str]:
    """Run `script` for each connection; yield the root URL.

    With `hears` the request is read first; with `tls` the connection is wrapped.
    """
    over = Event()
    threads: list[Thread] = []
    with socket.create_server((address, port)) as listener:

        def converse(connection: socket.socket) -> None:
            with suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                with connection:
                    asked = b"" if hears else b"\r\n\r\n"
                    while b"\r\n\r\n" not in asked:
                        asked += connection.recv(1 << 16)
                    script(connection, over)

        def listen() -> None:
            with suppress(OSError):
                while not over.is_set():
                    connection, _ = listener.accept()
                    threads.append(Thread(target=converse, args=(connection,)))
                    threads[-1].start()

        threads.append(Thread(target=listen))
        threads[0].start()
        try:
            yield f"{'http' if tls is None else 'https'}://{address}:{listener.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def byte_by_byte(answer: bytes, pause_s: float = 0.02) -> Script:
    """Return a script that writes a byte at a time, and the last byte again and again."""

    def script(connection: socket.socket, over: Event) -> None:
        for k in range(1_000_000):
            if over.wait(pause_s):
                return
            connection.sendall(answer[min(k, len(answer) - 1) :][:1])

    return script


def endlessly(head: bytes, piece: bytes) -> Script:
    """Return a script that writes `head`, then `piece` for ever."""

    def script(connection: socket.socket, over: Event) -> None:
        connection.sendall(head)
        while not over.is_set():
            connection.sendall(piece)

    return script


def at_once(answer: bytes) -> Script:
    """Return a script that writes an answer and hangs up."""

    def script(connection: socket.socket, _over: Event) -> None:
        connection.sendall(answer)

    return script


def never(connection: socket.socket, over: Event) -> None:
    """Answer nothing, and keep the connection."""
    del connection
    over.wait()
