"""Reports to one scheduler replica, over and over, and hands on what it answers.

Each report keeps its number until it is known what became of it. A report whose answer was lost is
sent again, with the ages its records have by then; the scheduler takes one of the two and names the
number in its refusal of the other. What came up in between waits for the next number.
"""

from collections.abc import Callable

from telemetry.agent import wire
from telemetry.agent.answer import Answer, BadAnswer
from telemetry.agent.backoff import MOST_S, Backoff
from telemetry.agent.credential import CredentialUnusable, bearer
from telemetry.agent.errands import Errands
from telemetry.agent.http import Connection, Failure, Target, request
from telemetry.agent.log import Condition, Say
from telemetry.agent.loop import Loop, Timer
from telemetry.agent.outbox import Outbox
from telemetry.agent.rhythm import next_report_s
from telemetry.agent.told import Refused, Told, Urgent, read
from telemetry.agent.typed import NamedTuple, Protocol

_ANSWER_S = 15.0
"""For an answer that is not held back: the scheduler may first have to ask whose the token is."""

_DUPLICATE_S = 60.0
_RETRY_S = 10.0
"""Longest wait for a connection, while nobody has said how often to report: where a scheduler is
back it has the row within one interval."""

_MOST_MEETINGS = 3


class Flight(NamedTuple):
    """A report under way."""

    number: int
    answers: tuple[int, ...]


class Agent(Protocol):
    """What a session needs of the agent whose reports it sends."""

    def next_number(self) -> int:
        """Return a number no report of this run has had."""

    def head(self) -> dict[str, object]:
        """Return what stands in the head of each report, whoever it is for."""

    def has_elsewhere(self, session: "Session") -> bool:
        """Tell whether another session reports to the same scheduler: it may have two addresses."""

    def heard(self, session: "Session", told: Told, begun: tuple[Urgent, ...], held: int) -> None:
        """Follow an answer.

        Parameters
        ----------
        session
            Whose.
        told
            The answer.
        begun
            Those of its urgent orders that are new.
        held
            Version of the list of peers that the report said.
        """

    def failed(self, session: "Session") -> None:
        """Take note that a report was not taken."""

    def overtaken(self) -> None:
        """Begin a new run some time later: another agent of this node has followed this one."""


class Means(NamedTuple):
    """What sessions share. `chance` gives numbers from 0 up to 1."""

    loop: Loop
    agent: Agent
    token_path: str
    ca_path: str
    chance: Callable[[], float]
    say: Say


class Session:
    """Reports to one target.

    Parameters
    ----------
    means
        What sessions share.
    target
        To whom.
    outbox
        What the target is yet to be told.
    """

    def __init__(self, means: Means, target: Target, outbox: Outbox) -> None:
        self._means, self._target = means, target
        self._loop, self._agent = means.loop, means.agent
        self._connection = Connection(means.loop, target, means.ca_path)
        self._condition = Condition(f"scheduler {target.text}", means.say)
        self._backoff = Backoff(means.chance)
        self._timer: Timer | None = None
        self._flight: Flight | None = None
        self._is_waiting = False
        self._sent_s = 0.0
        self._report_s = 0.0  # not told yet
        self._meetings = self._held_peers = 0
        self._errands = Errands()
        self._stands_back = False
        self.outbox = outbox
        self.instance = ""
        """Who it reports to; empty until it has met anybody."""
        self.is_well = False
        """Whether the last report was taken."""

    def start(self) -> None:
        """Begin, somewhere in the next second: agents start all at once."""
        self._report_in(self._means.chance())

    def close(self) -> None:
        """End."""
        self._connection.close()
        if self._timer is not None:
            self._timer.cancel()

    def begin_run(self) -> None:
        """Tell the whole row under the agent's new run."""
        self._connection.close()
        self._is_waiting = False
        self._owe_whole()
        self._report_in(self._means.chance())

    def end(self, order_id: int) -> None:
        """Tell that all peers of an urgent order are measured."""
        if self._errands.end(order_id) and not self._is_waiting:
            self._plan(is_told=False)

    def wake(self) -> None:
        """Report in place of a session that reported to the same scheduler and has failed."""
        if self._stands_back:
            self._report_in(0.0)

    def _report_in(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._loop.now_s() + wait_s, self._report)

    def _report(self) -> None:
        self._stands_back = self._agent.has_elsewhere(self)
        if self._stands_back:
            self._stand_back()
            return
        now_s = self._loop.now_s()
        try:
            token = bearer(self._means.token_path)
        except CredentialUnusable as error:
            self._wait_after("token", str(error), least_s=MOST_S / 2)
            return
        common = self._agent.head()
        self._held_peers = held if isinstance(held := common["peers"], int) else 0
        flight = self._flight = self._flight or self._load()
        hold_s = 0.0 if self._errands.is_running or self.outbox.has_waiting else self._report_s
        head = {
            **common,
            "seq": flight.number,
            "to": self.instance,
            "whole": self.outbox.is_whole_loaded,
            "answers": flight.answers,
            "hold_ms": round(hold_s * 1000),
            "dropped": self.outbox.dropped,
        }
        # Who is not known yet takes nothing: it is asked for its name first.
        records = self.outbox.records(now_s) if self.instance else []
        headers = {"Content-Type": wire.CONTENT_TYPE, "Accept": "application/json"}
        if token:
            headers["Authorization"] = token
        asked = request(self._target.url, wire.PATH, headers, wire.report(head, records))
        self._is_waiting, self._sent_s = True, now_s
        self._connection.post(asked, hold_s + _ANSWER_S, self._answered)

    def _load(self) -> Flight:
        self.outbox.load()
        # Whoever waits for an order waits for what it found: both must be in one report.
        answers = () if self.outbox.has_waiting else self._errands.ended
        return Flight(self._agent.next_number(), answers)

    def _answered(self, came: Answer | Failure) -> None:
        self._is_waiting = False
        if isinstance(came, Failure):
            self._connection.close()
            most_s = min(MOST_S, self._report_s or _RETRY_S)
            self._wait_after(came.kind, came.text, most_s=most_s)
            return
        try:
            said = read(came)
        except BadAnswer as error:
            self._wait_after("garbled", f"its answer is not used: {error}")
            return
        if isinstance(said, Told):
            self._taken(said)
        else:
            self._refused(said)

    def _taken(self, told: Told) -> None:
        flight = self._flight
        if flight is None or told.instance != self.instance or told.taken < flight.number:
            self._wait_after("garbled", "its answer is for another report than it was sent")
            return
        self._settle(flight)
        self._backoff.reset()
        is_first = not self._report_s
        self._report_s, self._meetings, self.is_well = told.report_s, 0, True
        role = "leads" if told.is_leading else "stands by"
        self._condition.now(
            f"{told.instance} {role}", f"reporting to {told.instance}, which {role}"
        )
        begun = self._errands.begin(told.urgent) if told.is_leading else ()
        self._agent.heard(self, told, begun, self._held_peers)
        self._plan(is_told=is_first or told.orders is not None or told.peers is not None)

    def _plan(self, *, is_told: bool) -> None:
        """Choose when to report next, after a report was taken or an order ended."""
        now_s = self._loop.now_s()
        at_s = next_report_s(
            self._sent_s,
            now_s,
            self._report_s,
            is_urgent=self._errands.is_running,
            has_ended=bool(self._errands.ended),
            has_more=is_told or self.outbox.has_waiting,
        )
        self._report_in(at_s - now_s)

    def _settle(self, flight: Flight) -> None:
        """Forget a report that was taken."""
        self.outbox.taken()
        self._errands.settle(flight.answers)
        self._flight = None

    def _owe_whole(self) -> None:
        """Forget a report that was not taken and never will be; the whole row comes instead."""
        self.outbox.owe_whole()
        self._flight = None

    def _refused(self, refused: Refused) -> None:
        flight = self._flight
        if refused.reason == "instance" and refused.instance:
            self._meet(refused.instance)
        elif refused.reason == "sequence" and flight and refused.taken >= flight.number:
            self._settle(flight)
            self._report_in(0.0)
        elif refused.reason == "run":
            self._condition.now("run", f"another agent of this node has followed: {refused.said}")
            self.is_well = False
            self._agent.overtaken()
        else:
            self._not_taken(refused)

    def _not_taken(self, refused: Refused) -> None:
        reason = refused.reason or f"status {refused.status}"
        if reason in ("form", "size"):
            self._owe_whole()  # the same bytes again would fare no better
        is_ours = reason in ("form", "size", "token", "node")
        least_s = max(refused.retry_s, MOST_S / 2 if is_ours else 0.0)
        self._wait_after(reason, f"refuses reports ({reason}): {refused.said}", least_s=least_s)

    def _meet(self, instance: str) -> None:
        self._meetings += 1
        if instance != self.instance:
            self.instance, self._report_s = instance, 0.0
            self._errands.clear()
        self._owe_whole()
        if self._meetings > _MOST_MEETINGS:
            self._wait_after("meeting", "asks for the whole row again and again")
        else:
            self._report_in(0.0)

    def _stand_back(self) -> None:
        self._condition.now("again", f"is {self.instance} too, which is reported to already")
        self._connection.close()
        self.is_well = False
        self._report_in(_DUPLICATE_S)

    def _wait_after(
        self, kind: str, text: str, *, least_s: float = 0.0, most_s: float = MOST_S
    ) -> None:
        self.is_well = False
        self._condition.now(kind, f"{text}; trying again")
        self._report_in(self._backoff.next_s(least_s=least_s, most_s=most_s))
        self._agent.failed(self)
