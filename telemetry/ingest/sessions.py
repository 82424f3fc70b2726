"""Tells a report that comes next from one that was taken, overtaken, or meant for another."""

from collections.abc import Collection
from dataclasses import dataclass, field

from telemetry.ingest.parsing import ReportHead
from telemetry.ingest.refusal import Refusal
from telemetry.ports import Clock

_MOST_RUNS = 1000
"""Of one node, whose end is remembered: an agent that crashes every minute fills them in 17 hours.
What is older could come back only under a token that is still valid, of the node itself."""

_SPARE = 64


@dataclass(slots=True)
class AgentSession:
    """What is known of the agent of a node, from its own reports."""

    run: str
    taken: int = 0
    """Number of the last report taken in this run."""
    head: ReportHead | None = None
    """The head of that report."""
    heard_s: float = 0.0
    """When it was taken, on the clock given."""
    over: dict[str, None] = field(default_factory=dict)
    """Runs that have ended, oldest first."""


class Sessions:
    """One session a node.

    Parameters
    ----------
    instance
        Our own name: 32 hexadecimal digits.
    now_s
        The clock.
    """

    def __init__(self, instance: str, now_s: Clock) -> None:
        self._instance, self._now_s = instance, now_s
        self._of: dict[str, AgentSession] = {}

    def taken(self, node: str) -> int:
        """Return the number of the last report of a node that was taken in its present run."""
        return self._of[node].taken if node in self._of else 0

    def __len__(self) -> int:
        return len(self._of)

    def items(self) -> list[tuple[str, AgentSession]]:
        """Return all nodes heard of, with their sessions."""
        return list(self._of.items())

    def judge(self, head: ReportHead) -> None:
        """Make sure that a report is for us, of a run that goes on, and new. Changes nothing.

        Raises
        ------
        Refusal
            With the reason ``instance``, ``run`` or ``sequence``.
        """
        if head.to != self._instance:
            whom = f"the scheduler {head.to}" if head.to else "no scheduler"
            raise self._unmet(f"the report is for {whom}")
        session = self._of.get(head.node)
        if session is not None and head.run in session.over:
            said = f"run {head.run} of {head.node} is over: run {session.run} has followed it"
            raise Refusal("run", said)
        if session is None or head.run != session.run:
            if not head.whole:
                raise self._unmet(f"nothing is known here of run {head.run} of {head.node}")
            return
        if head.seq <= session.taken:
            said = f"report {head.seq} comes after report {session.taken}, which was taken"
            raise Refusal("sequence", f"{said}; send a later one", more={"taken": session.taken})

    def take(self, head: ReportHead) -> None:
        """Take note of a report that `judge` let pass."""
        session = self._of.get(head.node)
        if session is None:
            session = self._of[head.node] = AgentSession(head.run)
        elif head.run != session.run:
            session.over[session.run] = None
            if len(session.over) > _MOST_RUNS:
                del session.over[next(iter(session.over))]
            session.run = head.run
        session.taken, session.head, session.heard_s = head.seq, head, self._now_s()

    def keep_only(self, nodes: Collection[str]) -> None:
        """Forget nodes that are gone, once there are more than a few of them."""
        if len(self._of) > len(nodes) + _SPARE:
            self._of = {node: one for node, one in self._of.items() if node in nodes}

    def _unmet(self, what: str) -> Refusal:
        said = f"{what}; this is {self._instance}: send the whole row"
        return Refusal("instance", said, more={"instance": self._instance})
