"""Which reports come next, and which were taken, overtaken or meant for another."""

import msgspec
import pytest

from telemetry.ingest.parsing import ReportHead
from telemetry.ingest.refusal import Refusal
from telemetry.ingest.sessions import Sessions
from tests.real.agents import INSTANCE, RUN, head

LATER_RUN = "11" * 16


def sessions() -> Sessions:
    return Sessions(INSTANCE, lambda: 0.0)


def report(node: str = "a", **fields: object) -> ReportHead:
    return msgspec.convert(head(node, **fields), ReportHead)


def took(made: Sessions, *reports: ReportHead) -> Sessions:
    for one in reports:
        made.judge(one)
        made.take(one)
    return made


def refusal(made: Sessions, one: ReportHead) -> Refusal:
    with pytest.raises(Refusal) as caught:
        made.judge(one)
    return caught.value


def test_numbers_may_leave_gaps_but_never_go_back() -> None:
    made = took(sessions(), report(seq=3), report(seq=7, whole=False))

    for seq in (1, 3, 6, 7):
        found = refusal(made, report(seq=seq))
        assert (found.reason, found.status, found.more) == ("sequence", 409, {"taken": 7})
    took(made, report(seq=8, whole=False))
    assert made.taken("a") == 8


def test_nodes_count_each_for_itself() -> None:
    made = took(sessions(), report("a", seq=5), report("b", seq=2))

    assert (made.taken("a"), made.taken("b")) == (5, 2)


@pytest.mark.parametrize("to", ["", "99" * 16])
def test_a_report_for_nobody_or_another_is_told_who_we_are(to: str) -> None:
    found = refusal(sessions(), report(to=to))

    assert (found.reason, found.status, found.more) == ("instance", 409, {"instance": INSTANCE})


def test_the_first_report_of_a_run_must_be_whole() -> None:
    made = sessions()

    assert refusal(made, report(seq=1, whole=False)).reason == "instance"
    took(made, report(seq=1))
    assert refusal(made, report(seq=1, run=LATER_RUN, whole=False)).reason == "instance"
    assert made.taken("a") == 1


def test_a_run_that_another_has_followed_is_over_for_good() -> None:
    made = took(sessions(), report(seq=9), report(seq=1, run=LATER_RUN))

    found = refusal(made, report(seq=10, run=RUN))

    assert (found.reason, found.status) == ("run", 409)
    assert LATER_RUN in found.said
    took(made, report(seq=2, run=LATER_RUN))


def test_the_end_of_many_runs_is_remembered() -> None:
    runs = [f"{number:032x}" for number in range(900)]
    made = took(sessions(), *(report(seq=1, run=run) for run in runs))

    assert {refusal(made, report(seq=2, run=run)).reason for run in runs[:-1]} == {"run"}


def test_judging_changes_nothing() -> None:
    made = took(sessions(), report(seq=4))

    made.judge(report(seq=9))
    made.judge(report(seq=1, run=LATER_RUN))

    assert made.taken("a") == 4
    took(made, report(seq=5, whole=False))


def test_what_is_known_of_nodes_that_are_gone_does_not_pile_up() -> None:
    made = took(sessions(), *(report(f"n{number}", seq=1) for number in range(200)))

    made.keep_only({"n0", "n1"})

    assert len(made) == 2
    assert made.taken("n1") == 1
