"""Sockets that notice when the other end is gone without a word."""

import socket

from aiohappyeyeballs import AddrInfoType

IDLE_S, BETWEEN_S, PROBES = 15, 5, 3
"""A peer that is silent is asked after 15 s, and given up after three asks without an answer: half
a minute, as client-go's HTTP/2 health check takes."""


def watched_socket(address: AddrInfoType) -> socket.socket:
    """Return a socket whose connection ends when its peer does not answer any more.

    Without this a lost route is noticed after minutes, when the silence of a watch is too long.
    """
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE_S),
        ("TCP_KEEPINTVL", BETWEEN_S),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", 1000 * (IDLE_S + BETWEEN_S * PROBES)),
    ):
        option = getattr(socket, name, None)  # not every system has each
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
