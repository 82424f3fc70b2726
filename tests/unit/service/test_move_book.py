"""What limits the next moves."""

from dataclasses import replace

from scheduler.domain.workload import Pod
from scheduler.reliability.budgets import Break, BrokenBudget
from scheduler.reliability.repair.moves import Limits
from scheduler.reliability.repair.settings import RepairSettings
from scheduler.service.move_book import MoveBook
from tests.builders import pod, within, workload

WEB = workload("web")


def web(name: str = "web-1", **fields: object) -> Pod:
    return replace(pod(name, workload=WEB), uid=name, **fields)  # type: ignore[arg-type]


def limits(book: MoveBook, now_s: float, *going: Pod) -> Limits:
    return book.limits(going, frozenset(), now_s, "ours")


def test_where_a_budget_was_broken_is_barred_for_its_workload_for_an_hour() -> None:
    book = MoveBook(RepairSettings())
    broken = BrokenBudget(web(), "e", within(2, "a"), Break.TOO_FAR)
    silent = BrokenBudget(web(), "f", within(2, "a"), Break.NOT_MEASURED)
    book.saw_broken([broken, silent], 100.0)

    assert limits(book, 3_699.0).barred == {WEB: frozenset({"e"})}
    assert limits(book, 3_701.0).barred == {}


def test_no_more_is_barred_than_was_bad_within_the_hour_however_many_nodes_came_and_went() -> None:
    book = MoveBook(RepairSettings())
    barred = []
    for k in range(360):  # six hours, in which each node is bad once and never seen again
        broken = BrokenBudget(web(), f"n{k}", within(2, "a"), Break.TOO_FAR)
        book.saw_broken([broken], 60.0 * k)
        barred.append(len(limits(book, 60.0 * k).barred[WEB]))

    assert (max(barred), barred[-1]) == (60, 60)


def test_a_trail_bars_and_counts_like_what_was_seen_here_and_no_move_counts_twice() -> None:
    book = MoveBook(RepairSettings(moves_per_workload_and_hour=2))
    book.moved(web(), "e", now_s=10.0, wall_s=5_000.0)
    book.read([web("web-2", moved_from="d@4000,e@5000")], now_s=20.0, wall_s=5_010.0)

    found = limits(book, 20.0)
    assert found.barred == {WEB: frozenset({"d", "e"})}
    assert found.resting == {WEB: "2 of its pods were moved within an hour, which is the most"}
    assert limits(book, 20.0 - 1010.0 + 3_700.0).resting == {}, "the older one is an hour ago"


def test_a_trail_from_a_clock_that_was_ahead_counts_as_just_now() -> None:
    book = MoveBook(RepairSettings())
    book.read([web(moved_from="e@9000")], now_s=20.0, wall_s=5_000.0)

    assert limits(book, 3_619.0).barred == {WEB: frozenset({"e"})}
    assert limits(book, 3_621.0).barred == {}


def test_refusals_are_waited_out_for_longer_and_longer_until_a_move_succeeds() -> None:
    book = MoveBook(RepairSettings())

    assert [book.refused(web(), "no", 0.0) for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    assert limits(book, 299.0).resting == {WEB: "its eviction was refused: no"}
    assert limits(book, 301.0).resting == {}
    book.moved(web(), "e", 302.0, 302.0)
    assert book.refused(web(), "no", 303.0, retry_s=45.0) == 45.0


def test_those_on_their_way_count_and_their_workloads_wait() -> None:
    found = limits(MoveBook(RepairSettings(moves_at_once=2)), 0.0, web())

    assert (found.most, found.resting, found.scheduler_name) == (1, {WEB: ""}, "ours")
    both = MoveBook(RepairSettings(moves_at_once=2))
    assert limits(both, 0.0, web(), web("web-2"), web("web-3")).most == 0
