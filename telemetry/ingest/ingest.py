"""Judges reports, hands on what is taken, and answers with orders. Knows nothing of HTTP.

A report is judged in this order: token, node, size, rate, form, instance, run, sequence, records.
From the first record's check to the last word of the answer nothing is awaited, so that a report is
taken whole or not at all.
"""

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from telemetry.agent.wire import RECORD, VERSION
from telemetry.ingest.admission import Admission
from telemetry.ingest.desk import OrderDesk
from telemetry.ingest.limits import Buckets
from telemetry.ingest.parsing import KnownNodes, ReportHead, read_head, read_records
from telemetry.ingest.peer_list import PeerList
from telemetry.ingest.refusal import Refusal
from telemetry.ingest.sessions import Sessions
from telemetry.ports import Clock, Directory, PeerDirectory, TokenVerifier
from telemetry.rows import MeasuredRow

MOST_HOLD_S = 30.0
"""An answer is held back no longer: proxies give up on what is silent for longer."""

_MOST_BYTES = 8 << 20
_HEAD_BYTES = 64 << 10
_SPARE_NODES = 64
_RATE, _BURST = 10.0, 20.0
"""Reports of one node, a second and at once; an agent with urgent orders sends 4 a second."""

_MOST_NODES = 100_000

_QUIET_S = 10.0
"""A cluster that does not answer fails all agents at once; one line tells of it as well."""


class ReportSink(Protocol):
    """Takes what agents measured, once it is believed."""

    def take(self, row: MeasuredRow, *, whole: bool) -> None:
        """Take in a row; `whole` where it is all that the agent knows. Does not block."""
        ...


@dataclass(frozen=True, slots=True)
class IngestTerms:
    """What agents must be, and how they are to work.

    Parameters
    ----------
    account
        Under which they run: ``system:serviceaccount:<namespace>:<name>``.
    report_s
        How often they report while there is nothing urgent, seconds.
    pps, urgent_pps
        Most packets a second of one agent, ordinarily and for urgent orders.
    instance
        Who we are: 32 hexadecimal digits, new with each start.
    """

    account: str
    report_s: float = 10.0
    pps: float = 10.0
    urgent_pps: float = 1000.0
    instance: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Counting:
    """Who is told what became of reports; none of them may block.

    Parameters
    ----------
    refused
        Takes the reason of each refusal.
    taken
        Takes the node and the number of pairs of each report that is taken.
    strangers
        Takes how many records of a report were of peers nobody knows.
    failed
        Takes what went wrong on our side, for which an agent is told to come again; the same again
        not before `_QUIET_S` are over.
    """

    refused: Callable[[str], None] = lambda _reason: None
    taken: Callable[[str, int], None] = lambda _node, _pairs: None
    strangers: Callable[[int], None] = lambda _count: None
    failed: Callable[[Exception], None] = lambda _error: None


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What is known of the cluster: whose tokens are whose, and who is where."""

    verifier: TokenVerifier
    directory: PeerDirectory


@dataclass(frozen=True, slots=True)
class AgentStanding:
    """What an agent said of itself in the last report that was taken.

    `heard_s` is when that was, on the clock of the ingest; `probes` to `dropped` count since the
    agent's start.
    """

    node: str
    method: str
    heard_s: float
    probes: int
    losses: int
    dropped: int


class Ingest:
    """Takes agents' reports.

    Parameters
    ----------
    cluster
        What is known of the cluster.
    sink
        Takes what was measured.
    desk
        Holds the orders.
    terms
        What agents must be, and how they are to work.
    counting
        Who is told what became of reports.
    now_s
        The clock.
    """

    def __init__(
        self,
        cluster: ClusterView,
        sink: ReportSink,
        desk: OrderDesk,
        terms: IngestTerms,
        counting: Counting,
        now_s: Clock,
    ) -> None:
        self._directory, self._sink, self._desk = cluster.directory, sink, desk
        self._terms, self._now_s = terms, now_s
        self.counting = counting
        self._admission = Admission(cluster.verifier, terms.account, now_s)
        self._sessions = Sessions(terms.instance, now_s)
        self._told: Buckets[str] = Buckets(1 / _QUIET_S, 1.0, _SPARE_NODES, now_s)
        self._pace: Buckets[str] = Buckets(_RATE, _BURST, _MOST_NODES, now_s)
        self._peers = PeerList()
        self._seen: Directory | None = None
        self._nodes: frozenset[str] = frozenset()
        self._known = KnownNodes(())
        self._addresses: frozenset[str] = frozenset()

    @property
    def instance(self) -> str:
        """Who we are, to agents."""
        return self._terms.instance

    @property
    def report_s(self) -> float:
        """How often agents report, seconds."""
        return self._terms.report_s

    @property
    def most_bytes(self) -> int:
        """The largest report that makes sense: every node twice, and some that are new."""
        self._look()
        return min(_MOST_BYTES, RECORD.size * (2 * len(self._known) + _SPARE_NODES) + _HEAD_BYTES)

    def agents(self) -> list[AgentStanding]:
        """Return what the agents heard of say of themselves, by node."""
        return [
            AgentStanding(node, h.method, one.heard_s, h.probes, h.losses, h.dropped)
            for node, one in sorted(self._sessions.items())
            if (h := one.head) is not None
        ]

    def close(self) -> None:
        """End all that waits; what arrives later is answered without being held."""
        self._desk.close()

    def fail(self, error: Exception) -> None:
        """Tell of what went wrong on our side, unless it was told of lately."""
        if not self._told.take(str(error)):
            self.counting.failed(error)

    async def admit(self, token: str, peer: str) -> str:
        """Return the node that a token speaks for, if its agent may report now.

        Parameters
        ----------
        token
            As it was sent; empty where none was.
        peer
            Address it came from.

        Raises
        ------
        Refusal
            With the reason ``token``, ``node``, ``rate`` or ``busy``.
        """
        self._look()
        is_stranger = peer not in self._addresses
        node = await self._admission.admit(token, peer, is_stranger=is_stranger)
        self._look()
        if not self._nodes:
            raise Refusal("busy", "the nodes of the cluster are not known yet", retry_s=2)
        if node not in self._nodes:
            raise Refusal("node", f"there is no node {node} in the cluster")
        return node

    def pace(self, node: str) -> None:
        """Count one report of a node.

        Raises
        ------
        Refusal
            With the reason ``rate``.
        """
        wait_s = self._pace.take(node)
        if wait_s:
            said = f"{node} sends more than {_RATE:g} reports a second; send fewer"
            raise Refusal("rate", said, retry_s=math.ceil(wait_s))

    def take(self, node: str, body: bytes) -> ReportHead:
        """Take a report of an agent that was admitted for `node`, and return its head.

        Raises
        ------
        Refusal
            With the reason ``form``, ``node``, ``instance``, ``run`` or ``sequence``; then nothing
            of it was used.
        """
        self._look()
        head = read_head(body)
        if head.node != node:
            said = f"the report is of {head.node}, and the token of a pod on {node}"
            raise Refusal("node", f"{said}; an agent speaks for its own node only")
        self._sessions.judge(head)
        records = read_records(body, head, self._known)
        self._sink.take(records.row, whole=head.whole)
        self._sessions.take(head)
        self._desk.hear(node, head.answers)
        self.counting.taken(node, len(records.row.peers))
        if records.strangers:
            self.counting.strangers(records.strangers)
        return head

    async def answer(self, head: ReportHead) -> bytes:
        """Return the answer to a report that was taken, as soon as there are orders in it.

        It is held back for as long as the report allows. An agent without a list of peers has
        nothing to do until it is answered; a list that changed can wait for the next answer, or
        each change would call up all agents.
        """
        if head.hold_ms and head.peers:
            until_s = self._now_s() + min(head.hold_ms / 1000, MOST_HOLD_S)
            await self._desk.hold(head.node, head.orders, until_s)
        self._look()
        orders, urgent = self._desk.told(head.node, head.orders)
        terms = self._terms
        return msgspec.json.encode(
            {
                "v": VERSION,
                "instance": terms.instance,
                "taken": self._sessions.taken(head.node),
                "leading": self._desk.is_leading,
                "peers": msgspec.Raw(self._peers.since(head.peers)),
                "orders": msgspec.Raw(orders),
                "urgent": msgspec.Raw(urgent),
                "report_ms": round(terms.report_s * 1000),
                "pps": terms.pps,
                "urgent_pps": terms.urgent_pps,
            }
        )

    def _look(self) -> None:
        """Take in what changed in the cluster."""
        current = self._directory.current
        if current is self._seen:
            return
        self._seen = current
        nodes = frozenset(current.nodes)
        if nodes != self._nodes:
            self._nodes, self._known = nodes, KnownNodes(nodes)
            self._sessions.keep_only(nodes)
            self._desk.keep_only(nodes)
        agents = current.agents
        self._addresses = frozenset(pod.address for pod in agents.values()) | current.node_of.keys()
        self._peers.hold({node: pod.address for node, pod in agents.items() if node in nodes})
