"""The table of all pairs against a plain book of every measurement, whatever happens to it."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.dated import DatedRtt
from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.stamps import MaxAges, Origin
from telemetry.store import RttStore
from tests.true_network import measured_row

NODES = "abcd"
MAX_AGE_S = {Origin.AGENT: 100.0, Origin.GOLDPINGER: 40.0, Origin.PROMETHEUS: 60.0}
PAIRS = [(i, j) for i in NODES for j in NODES if i != j]
SLACK_S = 1.5
"""Stamps count half seconds: within it of a limit either answer is right."""

names = st.sampled_from(NODES)
rtts = st.integers(1, 200_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(
            st.just("agent"), names, st.dictionaries(names, st.one_of(rtts, st.just(UNKNOWN_US)))
        ),
        st.tuples(st.sampled_from([Origin.GOLDPINGER, Origin.PROMETHEUS]), names, names, rtts),
    ),
    max_size=30,
)


@dataclass
class Book:
    """Every measurement that was ever taken: (origin, seconds, RTT) by directed pair."""

    said: dict[tuple[str, str], list[tuple[Origin, float, int]]] = field(default_factory=dict)

    def could_be(self, i: str, j: str, now_s: float) -> set[int]:
        """Return every value that a direction may be read as: said by a source, not too old."""
        return {
            rtt_us
            for origin, at_s, rtt_us in self.said.get((i, j), [])
            if now_s - at_s <= MAX_AGE_S[origin] + SLACK_S and rtt_us != UNKNOWN_US
        }

    def best(self, i: str, j: str, now_s: float) -> int | None:
        """Return what an agent said last of a direction, if that is surely believed."""
        agents = [
            (at, us) for origin, at, us in self.said.get((i, j), []) if origin is Origin.AGENT
        ]
        if not agents or now_s - agents[-1][0] > MAX_AGE_S[Origin.AGENT] - SLACK_S:
            return None
        return None if agents[-1][1] == UNKNOWN_US else agents[-1][1]


def read(table: DatedRtt, i: str, j: str) -> int:
    row, column = table.index[i], table.index[j]
    one = int(table.from_node(row)[column])
    assert one == int(table.to_node(column)[row])
    assert one == int(table.between(np.array([row]), np.array([column]))[0])
    return one


@dataclass
class Play:
    """A store and a book to which the same happens; every snapshot on the way is kept."""

    now_s: float = 0.0
    book: Book = field(default_factory=Book)
    frozen: list[tuple[DatedRtt, list[int]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = RttStore(KeepSettings(MaxAges(MAX_AGE_S)), lambda: self.now_s)
        self.store.know(NODES)

    def do(self, step: tuple[object, ...]) -> None:
        match step:
            case ("wait", int(seconds)):
                self.now_s += seconds
                table = self.store.frozen()
                self.frozen.append((table, [read(table, *pair) for pair in PAIRS]))
            case ("agent", str(node), dict(pairs)):
                self.store.take(measured_row(node, pairs))
                for peer, rtt_us in pairs.items():
                    self._note(node, peer, Origin.AGENT, rtt_us)
            case (Origin() as origin, str(i), str(j), int(rtt_us)):
                pair = PairReading(i, j, Outcome.MEASURED, rtt_us)
                self.store.take_readings(Readings((pair,)), origin)
                self._note(i, j, origin, rtt_us)
            case _:
                raise AssertionError(step)

    def _note(self, i: str, j: str, origin: Origin, rtt_us: int) -> None:
        self.book.said.setdefault((i, j), []).append((origin, self.now_s, rtt_us))


@settings(max_examples=300, deadline=None)
@given(steps)
def test_a_pair_is_read_as_something_was_measured_lately_or_not_at_all(
    happened: list[tuple[object, ...]],
) -> None:
    play = Play()
    for step in happened:
        play.do(step)
    table, book, now_s = play.store.frozen(), play.book, play.now_s
    for i, j in PAIRS:
        allowed = book.could_be(i, j, now_s) | book.could_be(j, i, now_s) | {UNKNOWN_US}
        assert read(table, i, j) in allowed
        surely = book.best(i, j, now_s)
        if surely is not None and (j, i) not in book.said:
            assert read(table, i, j) == surely


@settings(max_examples=100, deadline=None)
@given(steps)
def test_no_snapshot_changes_when_more_is_measured(happened: list[tuple[object, ...]]) -> None:
    play = Play()
    for step in happened:
        play.do(step)
    for table, was in play.frozen:
        assert [read(table, *pair) for pair in PAIRS] == was
