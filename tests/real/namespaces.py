"""Network namespaces joined by a relay that delays, loses and doubles packets as a test asks."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.needed import need
from tests.real.packet_relay import HOST_NUMBER, addresses

HOST = "host"
"""The namespace of the test itself, which is on the network too: for a scheduler."""

_ROOT = Path(__file__).parents[2]
_SETTING_UP_S = 120.0
_NETWORKS = 250
_MOST_NODES = 100
# Root without capabilities, not another user: that one might not be able to read our Python.
_NO_RIGHTS = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def missing() -> str:
    """Return a sentence that says what this machine lacks, or nothing."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux alone"
    if os.geteuid() != 0:
        return "network namespaces need root: sudo -E .venv/bin/python -m pytest tests/e2e"
    absent = [tool for tool in ("ip", "nsenter", "setpriv") if shutil.which(tool) is None]
    if absent:
        return f"no {', '.join(absent)} here; on Debian: apt install iproute2 util-linux"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)  # noqa: S607 - the system's
    return "" if tried.returncode == 0 else "this machine gives no network namespaces"


class Network:
    """Namespaces on one network, while inside ``with``; all is gone after, even after a failure.

    Every node has an IPv4 and an IPv6 address and reaches every other, and `HOST`. Delays are one
    way, per directed pair, 0 at first. Where the machine cannot, the test is skipped; where
    everything is to be run (CI=true), it fails.

    Parameters
    ----------
    nodes
        Names, not more than 100.
    """

    def __init__(self, nodes: Sequence[str]) -> None:
        if len(nodes) > _MOST_NODES:
            raise ValueError(f"{len(nodes)} nodes; a network has at most {_MOST_NODES}")
        self.nodes = tuple(nodes)
        self._number = {HOST: 0} | {name: place for place, name in enumerate(nodes, 1)}
        self._address = {name: place or HOST_NUMBER for name, place in self._number.items()}
        self._next_address = len(nodes) + 1
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        need(missing())
        self._claim, self._network = _claim_number()
        size = [str(self._network), str(len(self.nodes))]
        self._relay = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.real.packet_relay", *size],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._facts = self._answer()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def is_precise(self) -> bool:
        """Whether the relay comes before other processes."""
        return bool(self._facts["is_hurried"])

    def address(self, node: str, *, version: int = 4) -> str:
        """Return the IPv4 or IPv6 address of a node, or of `HOST`."""
        return addresses(self._network, self._address[node])[0 if version == 4 else 1]

    def crowd(self, node: str, count: int) -> list[str]:
        """Give a node `count` addresses more, and return them; one node of a network may."""
        self._ask(do="crowd", node=self._number[node])
        return [f"198.19.{n // 250}.{n % 250 + 1}" for n in range(count)]

    def command(self, node: str, argv: Sequence[str], *, has_rights: bool = True) -> list[str]:
        """Return the command that runs `argv` inside a node's namespace.

        Parameters
        ----------
        node
            Where; `HOST` for the test's own namespace.
        argv
            What.
        has_rights
            False runs it without any capability, as the agent's pod is.
        """
        space = self._facts["spaces"][self._number[node]]
        enter = ["nsenter", f"--net=/proc/{self._relay.pid}/fd/{space}", "--"]
        lose = [] if has_rights else ["setpriv", *_NO_RIGHTS, "--"]
        return [*enter, *lose, *argv]

    def run(
        self,
        node: str,
        argv: Sequence[str],
        *,
        has_rights: bool = True,
        **options: Any,  # noqa: ANN401 - handed on
    ) -> subprocess.Popen[str]:
        """Start a program in a node's namespace; it is killed with the network at the latest.

        Parameters
        ----------
        node, argv, has_rights
            As `command` has them.
        options
            Of `subprocess.Popen`; output is read as text.
        """
        command = self.command(node, argv, has_rights=has_rights)
        process = subprocess.Popen(command, text=True, **options)  # noqa: S603 - the test's own
        self._started.append(process)
        return process

    def set_delay(self, source: str, target: str, ms: float) -> None:
        """Delay packets from one node to another, one way; those under way stay as they were."""
        self._path(source, target, delay_ns=round(ms * 1e6))

    def set_rtt(self, one: str, other: str, ms: float) -> None:
        """Delay packets between two nodes, half of it each way."""
        self.set_delay(one, other, ms / 2)
        self.set_delay(other, one, ms / 2)

    def set_loss(self, source: str, target: str, share: float) -> None:
        """Lose a share of the packets from one node to another, by a fixed seed."""
        self._path(source, target, loss=share)

    def set_copies(self, source: str, target: str, copies: int) -> None:
        """Hand on each packet from one node to another so many times."""
        self._path(source, target, copies=copies)

    def cut(self, one: str, other: str) -> None:
        """Lose everything between two nodes."""
        self.set_loss(one, other, 1.0)
        self.set_loss(other, one, 1.0)

    def mend(self, one: str, other: str) -> None:
        """Lose nothing between two nodes."""
        self.set_loss(one, other, 0.0)
        self.set_loss(other, one, 0.0)

    def move(self, node: str) -> str:
        """Give a node other addresses, in place of its own; return the IPv4 one."""
        self._address[node] = self._next_address
        self._ask(do="move", node=self._number[node], number=self._next_address)
        self._next_address += 1
        return self.address(node)

    def set_sysctl(self, node: str, name: str, value: str) -> None:
        """Write a setting of a node's namespace, ``net/ipv4/…``.

        `net/ipv4/ping_group_range` lets everybody ping at first; the kernel's own is ``1 0``.
        """
        self._ask(do="setting", node=self._number[node], name=name, value=value)

    def records(self, source: str, target: str) -> list[tuple[float, float]]:
        """Return what packets from one node to another were asked to take, and took, microseconds.

        In their order, since this was last asked; at most the last 50,000.
        """
        pair = {"from": self._number[source], "to": self._number[target]}
        return [(asked / 1e3, took / 1e3) for asked, took in self._ask(do="records", **pair)]

    def _path(self, source: str, target: str, **change: float) -> None:
        self._ask(
            **{"do": "path", "from": self._number[source], "to": self._number[target], **change}
        )

    def _ask(self, **order: Any) -> Any:  # noqa: ANN401 - each order has its own answer
        assert self._relay.stdin is not None
        self._relay.stdin.write(json.dumps(order).encode() + b"\n")
        self._relay.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - each order has its own answer
        assert self._relay.stdout is not None
        line = self._relay.stdout.readline()
        if not line:
            raise RuntimeError("the relay between the namespaces ended; its error is above")
        return json.loads(line)

    def _end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if self._relay.stdin is not None:
            self._relay.stdin.close()
        try:
            self._relay.wait(_SETTING_UP_S)
        finally:
            self._relay.kill()
            self._relay.wait()
            if self._relay.stdout is not None:
                self._relay.stdout.close()
            self._claim.close()


def _claim_number() -> tuple[socket.socket, int]:
    """Return a number that no other test's network has, and what holds it while it is open."""
    for step in range(_NETWORKS):
        number = 1 + (os.getpid() + step) % _NETWORKS
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0isochrone-network-{number}")
        except OSError:
            claim.close()
            continue
        return claim, number
    raise RuntimeError(f"all {_NETWORKS} networks are in use")
