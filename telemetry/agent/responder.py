"""Answers other agents, by UDP and by TCP on one port, IPv4 and IPv6."""

import socket

from telemetry.agent.addresses import FAMILIES
from telemetry.agent.log import Say, say
from telemetry.agent.loop import Loop
from telemetry.agent.tcp import TcpResponder
from telemetry.agent.udp_echo import UdpResponder

_BACKLOG = 64


class Responder:
    """Listens wherever it may; where it may not, others measure this node by ICMP.

    Parameters
    ----------
    loop
        What calls it.
    port
        Where; 0 for any that is free.
    to
        Where it is said what failed.
    """

    def __init__(self, loop: Loop, port: int, to: Say = say) -> None:
        self.port = port
        """The one that was taken."""
        self._parts: list[UdpResponder | TcpResponder] = []
        for family in FAMILIES:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                try:
                    sock = self._listen(family, kind)
                except OSError as error:
                    if family == socket.AF_INET:  # a machine without IPv6 is nothing to talk of
                        name = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
                        to(f"no answers by {name} on port {self.port}: {error.strerror}")
                    continue
                part = UdpResponder if kind == socket.SOCK_DGRAM else TcpResponder
                self._parts.append(part(loop, sock))

    def close(self) -> None:
        """Listen no more."""
        for part in self._parts:
            part.close()

    def _listen(self, family: int, kind: int) -> socket.socket:
        sock = socket.socket(family, kind)
        sock.settimeout(0)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("" if family == socket.AF_INET else "::", self.port))
            if kind == socket.SOCK_STREAM:
                sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        return sock
