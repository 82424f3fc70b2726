"""The network between the namespaces of a test: `python -m tests.real.packet_relay`.

A process of one thread joins namespaces by veth pairs, whose near ends it reads and writes as raw
packets. The kernel stamps a packet when it leaves its namespace; the relay hands it on when the
delay of that directed pair has passed *since the stamp*, so that how late the relay was woken
does not count. The last moments are waited for busily. What a packet really took is recorded.

Orders come as lines of JSON on standard input, each is answered by a line. The namespaces have no
names and are this process's own: when it ends, or its standard input does, all is gone.
"""

import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.real import spaces

_EVERY_PROTOCOL = 0x0003
_PACKET_IGNORE_OUTGOING = 23
_STAMP_NS = 35  # SO_TIMESTAMPNS, and the type of what it adds
_SPIN_NS = 120_000
"""Waited for busily: timers and the scheduler are about that late."""
_CROWD_NET = bytes((198, 19))
_MAC = "02:00:00:00:00:01"
"""Of every namespace's device: so no frame has to be rewritten, and nobody asks for addresses."""
_KEPT_RECORDS = 50_000
HOST_NUMBER = 250
"""Last part of the host's own address."""


class Path:
    """What happens to packets from one node to another."""

    __slots__ = ("copies", "delay_ns", "loss", "records")

    def __init__(self) -> None:
        self.delay_ns = 0
        self.loss = 0.0
        self.copies = 1
        self.records: deque[tuple[int, int]] = deque(maxlen=_KEPT_RECORDS)


class Relay:
    """Namespaces ``1 … n``, and 0 for the host's own, each with its end of a cable here.

    Parameters
    ----------
    network
        Number of this network on this machine: part of all addresses.
    count
        How many namespaces.
    """

    def __init__(self, network: int, count: int) -> None:
        self.network = network
        self.spaces = [spaces.current_space()]
        own = spaces.new_space()
        for _ in range(count):
            self.spaces.append(spaces.new_space())
        spaces.enter(own)
        self.own = own
        self.node_of: dict[bytes, int] = {}
        self.crowd = -1
        self.paths = [[Path() for _ in self.spaces] for _ in self.spaces]
        for node in range(len(self.spaces)):
            self._connect(node)
        self.ends = [self._end(node) for node in range(len(self.spaces))]
        self.door = self._door()
        self._due: list[tuple[int, int, int, bytes, Path, int]] = []
        self._taken = 0
        self._chance = random.Random(11)  # noqa: S311 - which packets get lost is no secret

    def _connect(self, node: int) -> None:
        device = f"isochrone{self.network}" if node == 0 else "net0"
        number = node or HOST_NUMBER
        four, six = addresses(self.network, number)
        everything = "198.18.0.0/15" if node else f"198.18.{self.network}.0/24"
        spaces.configure(
            self.spaces[node],
            f"link add {device} address {_MAC} type veth peer name v{node} netns {os.getpid()}",
            *(["link set lo up"] if node else []),
            f"link set {device} arp off up",
        )
        spaces.configure(self.own, f"link set v{node} arp off up")
        spaces.enter(self.spaces[node])
        spaces.finish_checksums(device)
        if node:
            spaces.write_setting("net/ipv4/ping_group_range", "0 2147483647")
        spaces.enter(self.own)
        self.settle(node, number)
        spaces.configure(
            self.spaces[node],
            f"route replace {everything} dev {device} src {four}",
            f"route replace {addresses(self.network, 0)[1]}/64 dev {device} src {six}",
        )

    def settle(self, node: int, number: int) -> None:
        """Give a node its addresses."""
        device = f"isochrone{self.network}" if node == 0 else "net0"
        four, six = addresses(self.network, number)
        spaces.configure(
            self.spaces[node],
            f"addr add {four}/32 dev {device}",
            f"addr add {six}/128 dev {device} nodad",
        )
        self.node_of[socket.inet_pton(socket.AF_INET, four)] = node
        self.node_of[socket.inet_pton(socket.AF_INET6, six)] = node

    def move(self, node: int, number: int) -> None:
        """Give a node other addresses; its old ones lead nowhere."""
        four, six = addresses(self.network, number)
        old = [packed for packed, owner in self.node_of.items() if owner == node]
        for packed in old:
            del self.node_of[packed]
        self.settle(node, number)
        spaces.configure(
            self.spaces[node],
            f"route replace 198.18.0.0/15 dev net0 src {four}",
            f"route replace {addresses(self.network, 0)[1]}/64 dev net0 src {six}",
            *(f"addr del {_text(packed)} dev net0" for packed in old),
        )

    def gather_crowd(self, node: int) -> None:
        """Have a node answer for all of 198.19.0.0/16."""
        spaces.configure(self.spaces[node], "route replace local 198.19.0.0/16 dev lo")
        self.crowd = node

    def set_path(self, order: dict[str, Any]) -> None:
        """Change what happens from one node to another; what is under way stays as it was."""
        path = self.paths[order["from"]][order["to"]]
        path.delay_ns = order.get("delay_ns", path.delay_ns)
        path.loss = order.get("loss", path.loss)
        path.copies = order.get("copies", path.copies)

    def write_setting(self, node: int, name: str, value: str) -> None:
        """Write a node's sysctl."""
        spaces.enter(self.spaces[node])
        spaces.write_setting(name, value)
        spaces.enter(self.own)

    def _end(self, node: int) -> socket.socket:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        end.bind((f"v{node}", 0))
        return end

    def _door(self) -> socket.socket:
        door = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
        door.setsockopt(263, _PACKET_IGNORE_OUTGOING, 1)  # SOL_PACKET
        door.setsockopt(socket.SOL_SOCKET, _STAMP_NS, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        door.settimeout(0)
        return door

    def take(self) -> bool:
        """Take one packet in; False when there is none."""
        try:
            frame, notes, _, _ = self.door.recvmsg(65_536, 64)
        except BlockingIOError:
            return False
        stamp_ns = _stamp_ns(notes)
        if frame[12:14] == b"\x08\x00":
            source, target = frame[26:30], frame[30:34]
        elif frame[12:14] == b"\x86\xdd":
            source, target = frame[22:38], frame[38:54]
        else:
            return True
        sender, receiver = self._node(source), self._node(target)
        if sender >= 0 and receiver >= 0:
            self._plan(frame, stamp_ns, receiver, self.paths[sender][receiver])
        return True

    def _node(self, address: bytes) -> int:
        found = self.node_of.get(address, -1)
        return self.crowd if found < 0 and address[:2] == _CROWD_NET else found

    def _plan(self, frame: bytes, stamp_ns: int, receiver: int, path: Path) -> None:
        if path.loss and self._chance.random() < path.loss:
            return
        for _ in range(path.copies):
            self._taken += 1
            due = (stamp_ns + path.delay_ns, self._taken, receiver, frame, path, stamp_ns)
            heapq.heappush(self._due, due)

    def hand_on(self) -> int:
        """Hand on what is due; return how long nothing is, nanoseconds, -1 for ever."""
        while self._due:
            now_ns = time.time_ns()
            if self._due[0][0] > now_ns:
                return self._due[0][0] - now_ns
            due_ns, _, receiver, frame, path, stamp_ns = heapq.heappop(self._due)
            try:
                self.ends[receiver].send(frame)
            except OSError:
                continue  # too long for the cable, or the far end is down: lost
            path.records.append((due_ns - stamp_ns, time.time_ns() - stamp_ns))
        return -1


def addresses(network: int, number: int) -> tuple[str, str]:
    """Return the IPv4 and IPv6 address with a number, of ranges that are nobody's in earnest."""
    return f"198.18.{network}.{number}", f"fd49:736f:6368:{network:x}::{number:x}"


def _text(packed: bytes) -> str:
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed) + ("/32" if family == socket.AF_INET else "/128")


def _stamp_ns(notes: list[tuple[int, int, bytes]]) -> int:
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _STAMP_NS:
            seconds, rest = struct.unpack("@ll", value[: struct.calcsize("@ll")])
            return int(seconds * 1_000_000_000 + rest)
    return time.time_ns()


def _hurry() -> bool:
    """Come before other processes, if that is allowed."""
    spaces.sharpen_timers()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        return False
    return True


def _obey(relay: Relay, order: dict[str, Any]) -> object:
    match order["do"]:
        case "path":
            relay.set_path(order)
        case "setting":
            relay.write_setting(order["node"], order["name"], order["value"])
        case "move":
            relay.move(order["node"], order["number"])
        case "crowd":
            relay.gather_crowd(order["node"])
        case "records":
            path = relay.paths[order["from"]][order["to"]]
            taken = list(path.records)
            path.records.clear()
            return taken
        case unknown:
            raise ValueError(f"no such order: {unknown}")
    return None


def _serve(relay: Relay, obey: Callable[[dict[str, Any]], object]) -> None:
    unfinished = b""
    while True:
        idle_ns = relay.hand_on()
        if relay.take() or 0 <= idle_ns < _SPIN_NS:
            continue
        # select alone waits to the microsecond; poll and epoll round up to milliseconds.
        wait_s = (idle_ns - _SPIN_NS) / 1e9 if idle_ns >= 0 else None
        if sys.stdin not in select.select([relay.door, sys.stdin], [], [], wait_s)[0]:
            continue
        read = os.read(sys.stdin.fileno(), 65_536)
        if not read:
            return
        *lines, unfinished = (unfinished + read).split(b"\n")
        for line in lines:
            _say(obey(json.loads(line)))


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Set up, say so, serve until standard input ends."""
    relay = Relay(int(sys.argv[1]), int(sys.argv[2]))
    try:
        facts = {"own": relay.own, "spaces": relay.spaces, "is_hurried": _hurry()}
        _say(facts)
        _serve(relay, lambda order: _obey(relay, order))
    finally:
        spaces.end_processes(relay.spaces[1:])


if __name__ == "__main__":
    main()
