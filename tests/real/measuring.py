"""An agent's measuring side alone, for namespaces: `python -m tests.real.measuring NAME [FLAG …]`.

It takes orders as lines of JSON, ``{"peers": {name: address}}`` or ``{"urgent": id}``, and prints
each burst as one, and ``{"done": id}``. Flags: ``--pps N``; ``--drowsy MS`` sleeps for so long
again and again, as a busy process would.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any, Self

from telemetry.agent.burst import Burst
from telemetry.agent.loop import READ, Loop
from telemetry.agent.measurer import Measurer, MeasuringConfig
from telemetry.agent.peers import Peer
from telemetry.agent.wire import node_key
from tests.real.namespaces import Network

_PATIENCE_S = 60.0


class Measuring:
    """The process in a node's namespace, while inside ``with``; without any capability.

    Parameters
    ----------
    network
        Where.
    node
        Its namespace and name.
    flags
        As the module's docstring has them.
    """

    def __init__(self, network: Network, node: str, *flags: str) -> None:
        command = [sys.executable, "-m", "tests.real.measuring", node, *flags]
        self._process = network.run(
            node, command, has_rights=False, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = Thread(target=self._read, name=f"bursts of {node}")

    def __enter__(self) -> Self:
        self._reader.start()
        assert self._next(_PATIENCE_S) == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join()
        self._process.wait()

    def set_peers(self, peers: Mapping[str, str]) -> None:
        """Have these measured, addresses by name, from now on."""
        self._order(peers=dict(peers))

    def urgent(self, order_id: int) -> None:
        """Have all peers measured at once."""
        self._order(urgent=order_id)

    def until(self, holds: Callable[[dict[str, Any]], bool], what: str) -> list[dict[str, Any]]:
        """Return all it prints, up to a line for which something holds."""
        end_s = time.monotonic() + _PATIENCE_S
        lines: list[dict[str, Any]] = []
        while not lines or not holds(lines[-1]):
            try:
                lines.append(self._next(max(end_s - time.monotonic(), 0.0)))
            except queue.Empty:
                raise AssertionError(
                    f"{what}: did not come; the last lines: {lines[-5:]}"
                ) from None
        return lines

    def bursts(self, peer: str, count: int) -> list[dict[str, Any]]:
        """Return the next bursts to a peer."""
        return [self.until(lambda line: line.get("peer") == peer, peer)[-1] for _ in range(count)]

    def _order(self, **order: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(json.loads(line))

    def _next(self, within_s: float) -> dict[str, Any]:
        return self._lines.get(timeout=within_s)


class _Program:
    def __init__(self, given: argparse.Namespace) -> None:
        self._names: dict[int, str] = {}
        self._unfinished = b""
        self._loop = Loop()
        config = MeasuringConfig(node_key(given.node), pps=given.pps)
        self._measurer = Measurer(self._loop, config, self._tell)
        self._measurer.set_orders(star=True, near=frozenset())
        self._drowsy_s = given.drowsy / 1000

    def run(self) -> None:
        self._measurer.start()
        self._loop.watch(sys.stdin, READ, self._obey)
        if self._drowsy_s:
            self._doze()
        _say({"ready": True})
        self._loop.run()

    def _obey(self, _: int) -> None:
        read = os.read(sys.stdin.fileno(), 1 << 20)
        if not read:
            self._loop.stop()
        *lines, self._unfinished = (self._unfinished + read).split(b"\n")
        for order in map(json.loads, lines):
            if "urgent" in order:
                self._measurer.urgent(order["urgent"], None, lambda number: _say({"done": number}))
            else:
                self._names = {node_key(name): name for name in order["peers"]}
                peers = [Peer(n, node_key(n), address) for n, address in order["peers"].items()]
                self._measurer.set_peers(peers)

    def _tell(self, burst: Burst) -> None:
        told = burst._asdict()
        _say({"peer": self._names[told.pop("key")], **told})

    def _doze(self) -> None:
        time.sleep(self._drowsy_s)
        self._loop.call_at(self._loop.now_s() + 0.001, self._doze)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--pps", type=float, default=10.0)
    parser.add_argument("--drowsy", type=float, default=0.0)
    _Program(parser.parse_args()).run()


if __name__ == "__main__":
    main()
