"""What --once makes of how a demo ended."""

from dataclasses import replace

import pytest

from commands.verdict import judge
from scheduler.reliability.budgets import Break, BrokenBudget
from simulator.facts import Facts
from tests.builders import pod, within

GOOD = Facts(
    now_s=10.0,
    nodes=3,
    nodes_ready=3,
    pending=1,
    starting=0,
    running=5,
    failed=0,
    terminating=0,
    is_quiet=True,
    missing=(),
    surprising=(),
)
BROKEN = BrokenBudget(pod("far"), "c", within(5, "a"), Break.TOO_FAR, "a", 9_000)


def test_a_demo_in_which_all_went_as_it_should_ends_well() -> None:
    verdict = judge(GOOD, (), {"default/x": "waits"}, has_settled=True)

    assert verdict.status == 0
    assert verdict.lines() == [
        "all is well: 3 of 3 nodes ready, 5 pods placed, 1 waiting as expected, 0 budgets broken"
    ]


@pytest.mark.parametrize(
    ("facts", "broken", "has_settled", "words"),
    [
        (
            replace(GOOD, missing=("default/x",)),
            (),
            True,
            "default/x should be placed and waits: no",
        ),
        (replace(GOOD, surprising=("default/y",)), (), True, "default/y should wait and is placed"),
        (replace(GOOD, failed=2), (), True, "2 pod(s) were refused"),
        (GOOD, (BROKEN,), True, "default/far on c: 9ms to a, budget 5ms"),
        (GOOD, (), False, "did not settle"),
    ],
)
def test_each_failure_is_named_and_ends_badly(
    facts: Facts, broken: tuple[BrokenBudget, ...], *, has_settled: bool, words: str
) -> None:
    verdict = judge(facts, broken, {"default/x": "no room"}, has_settled=has_settled)

    assert verdict.status != 0
    assert words in "\n".join(verdict.lines())
