"""Pairs a second that one core takes in from agents, plain decoding of JSON beside it.

Whole reports of a large cluster, first as the ingest judges them (head, session, every record) and
hands them to a sink, then over real HTTP on loopback, the sender in a process of its own.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from typing import Annotated

import aiohttp
import msgspec
import numpy as np
import typer

from benchmarks.rows import Report, Row
from telemetry.agent import wire
from telemetry.ingest.desk import OrderDesk
from telemetry.ingest.endpoint import Listening, serving
from telemetry.ingest.ingest import ClusterView, Counting, Ingest, IngestTerms
from telemetry.ports import Directory, Identity
from telemetry.rows import MeasuredRow

SEED = 61
NODES = 5_000
LEAST_PAIRS_S = 500_000
ACCOUNT = "system:serviceaccount:kube-system:isochrone-agent"
INSTANCE = "ab" * 16
SECONDS = {False: 3.0, True: 0.3}
SENDERS = 8


@dataclass
class _Sums:
    """A sink that looks at all it is handed, so that nothing of it can be left undone."""

    pairs: int = 0
    rtt_us: int = 0

    def take(self, row: MeasuredRow, *, whole: bool) -> None:
        """Add a row up."""
        del whole
        self.pairs += len(row.peers)
        self.rtt_us += int(row.rtt_us.sum())


class _Tokens:
    """Vouches for everybody: the token is the node."""

    async def verify(self, token: str) -> Identity:
        """Return the node that the token names."""
        return Identity(ACCOUNT, token)


class _Still:
    """A cluster that does not change."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self.current = Directory(1, nodes, {name: name for name in nodes})

    async def changed(self) -> None:
        """Never."""
        await asyncio.Event().wait()


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Shorter runs.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    report = Report(f"Reports of agents, {NODES:,} nodes", "bench_ingest", quick)
    nodes = tuple(f"edge-{number:05}" for number in range(NODES))
    sizes = {"a rolling mesh's whole row": NODES // 2, "a star's": NODES - 1, "10 s of news": 34}
    with report.steps(["judging", "over HTTP"]) as steps:
        next(steps)
        for what, pairs in sizes.items():
            report.add(_judged(nodes, what, pairs, SECONDS[quick]))
        next(steps)
        for what, pairs in sizes.items():
            report.add(asyncio.run(_served(nodes, what, pairs, SECONDS[quick])))
        next(steps, None)
    report.close()


def bodies(nodes: tuple[str, ...], pairs: int, sender: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield reports of one node after the other, each with new numbers: node and body."""
    rng = np.random.default_rng(SEED)
    keys = [wire.node_key(name) for name in nodes]
    made = []
    for at in range(sender, sender + 20 * SENDERS, SENDERS):
        others = [key for key in keys if key != keys[at]]
        peers = rng.permutation(len(others))[:pairs]
        rtt_us = rng.integers(300, 200_000, pairs)
        records = [
            wire.RECORD.pack(others[peer], int(rtt), int(rtt) - 100, 9_000, 3, 0, 1, 0)
            for peer, rtt in zip(peers, rtt_us, strict=True)
        ]
        made.append((nodes[at], b"".join(records)))
    for number in count(1):
        for node, records_of in made:
            yield node, _with_head(node, number, pairs, records_of)


def _with_head(node: str, number: int, pairs: int, records: bytes) -> bytes:
    own = {"node": node, "run": "cd" * 16, "seq": number, "to": INSTANCE, "records": pairs}
    rest = {"whole": True, "method": "icmp", "peers": 0, "orders": 0, "answers": [], "hold_ms": 0}
    text = msgspec.json.encode({"v": 1, **own, **rest, "probes": 9, "losses": 0, "dropped": 0})
    return wire.HEAD.pack(len(text)) + text + records


def ingest_of(nodes: tuple[str, ...], sink: _Sums) -> Ingest:
    """Return the ingest of a cluster; its clock runs fast, so that no rate is limited."""
    ticks = count(1)

    def now_s() -> float:
        return next(ticks) / 10

    desk = OrderDesk(lambda: True, 10.0, now_s)
    view = ClusterView(_Tokens(), _Still(nodes))
    terms = IngestTerms(ACCOUNT, instance=INSTANCE)
    return Ingest(view, sink, desk, terms, Counting(failed=_raise), now_s)


def _raise(error: Exception) -> None:
    raise error


def _judged(nodes: tuple[str, ...], what: str, pairs: int, seconds: float) -> Row:
    async def run() -> float:
        sink = _Sums()
        ingest = ingest_of(nodes, sink)
        reports = bodies(nodes, pairs)
        spent_s = 0.0
        ready = [next(reports) for _ in range(20)]
        while spent_s < seconds:
            began_s = time.process_time()
            for node, body in ready:
                ingest.take(node, body)
            spent_s += time.process_time() - began_s
            ready = [next(reports) for _ in range(20)]
        return sink.pairs / spent_s

    return Row(
        f"judged and handed on, {what} ({pairs:,} pairs)",
        asyncio.run(run()),
        "pairs/s",
        _json_pairs_s(nodes, pairs, seconds / 3),
        "the same pairs as JSON, decoded and not judged",
        LEAST_PAIRS_S,
        is_floor=True,
        note=f"{len(next(bodies(nodes, pairs))[1]):,} bytes a report",
    )


def _json_pairs_s(nodes: tuple[str, ...], pairs: int, seconds: float) -> float:
    """Return how many pairs a second msgspec reads from JSON with node names."""
    rng = np.random.default_rng(SEED)
    body = msgspec.json.encode(
        {nodes[k]: float(rtt) for k, rtt in enumerate(rng.random(pairs).round(3))}
    )
    read, began_s = 0, time.process_time()
    while time.process_time() - began_s < seconds:
        read += len(msgspec.json.decode(body))
    return read / (time.process_time() - began_s)


async def _served(nodes: tuple[str, ...], what: str, pairs: int, seconds: float) -> Row:
    """Return what the serving process takes in for each second of its own processor time."""
    sink = _Sums()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    async with serving(ingest_of(nodes, sink), Listening(0, "127.0.0.1")) as port:
        sender = context.Process(target=_send, args=(port, nodes, pairs, seconds, there))
        sender.start()
        try:
            await asyncio.to_thread(here.recv)
            sink.pairs, began_s, wall_s = 0, time.process_time(), time.perf_counter()
            here.send("go")
            refused = await asyncio.to_thread(here.recv)
            spent_s = time.process_time() - began_s
            wall_s = time.perf_counter() - wall_s
        finally:
            await asyncio.to_thread(sender.join)
    if refused:
        raise RuntimeError(f"{refused} reports were refused")
    return Row(
        f"over HTTP, {what} ({pairs:,} pairs)",
        sink.pairs / spent_s,
        "pairs/s",
        budget=LEAST_PAIRS_S if pairs >= NODES // 2 else None,
        is_floor=True,
        note=f"a core's second; {sink.pairs / pairs / spent_s:,.0f} reports/s, "
        f"{sink.pairs / wall_s:,.0f} pairs/s on the clock beside its sender",
    )


def _send(port: int, nodes: tuple[str, ...], pairs: int, seconds: float, told: Connection) -> None:
    """Send reports over several connections; tell when ready, and how many were refused."""

    async def one(session: aiohttp.ClientSession, sender: int) -> int:
        refused, reports = 0, made[sender]
        ends_s = time.perf_counter() + seconds
        while time.perf_counter() < ends_s:
            node, body = next(reports)
            headers = {"Content-Type": wire.CONTENT_TYPE, "Authorization": f"Bearer {node}"}
            url = f"http://127.0.0.1:{port}{wire.PATH}"
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                refused += answer.status != 200  # noqa: PLR2004 - taken
        return refused

    async def run() -> int:
        async with aiohttp.ClientSession() as session:
            return sum(await asyncio.gather(*(one(session, k) for k in range(SENDERS))))

    made = [bodies(nodes, pairs, sender) for sender in range(SENDERS)]
    for reports in made:
        next(reports)  # makes its records
    told.send("ready")
    told.recv()
    told.send(asyncio.run(run()))


if __name__ == "__main__":
    typer.run(main)
