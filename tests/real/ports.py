"""Free ports on loopback for servers that cannot say which port they took."""

import os
import socket

_FIRST, _LAST = 20_000, 32_000
"""Below the ports that systems give to clients. A client that dials a dead server's port again and
again could be given that very port, talk to itself, and keep the server from coming back."""

_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on, and that was not returned before."""
    width = _LAST - _FIRST
    start = os.getpid() * 97  # test processes side by side look in different places
    for step in range(width):
        port = _FIRST + (start + step) % width
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no port between {_FIRST} and {_LAST} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # Servers set this too: connections of an ended one linger and are no hindrance.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
