"""How a demo ended: what ``--once`` prints and returns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduler.domain.delay import format_ms
from scheduler.reliability.budgets import BrokenBudget
from simulator.facts import Facts

FAILED = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong, if anything, and the figures."""

    figures: str
    failures: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status."""
        return FAILED if self.failures else 0

    def lines(self) -> list[str]:
        """Return the summary for people."""
        head = "all is well" if not self.failures else f"{len(self.failures)} failure(s)"
        return [f"{head}: {self.figures}", *(f"  {failure}" for failure in self.failures)]


def judge(
    facts: Facts,
    broken: Sequence[BrokenBudget],
    waiting: Mapping[str, str],
    *,
    has_settled: bool,
) -> Verdict:
    """Judge a demo.

    Parameters
    ----------
    facts
        Where the cluster stands.
    broken
        Budgets that do not hold.
    waiting
        Key of each pod that waits, and why.
    has_settled
        Whether it came to rest within the time it was given.
    """
    failures = [] if has_settled else ["the demo did not settle within the time it is given"]
    failures += [
        f"{key} should be placed and waits: {waiting.get(key, 'not seen by the scheduler')}"
        for key in facts.missing
    ]
    failures += [f"{key} should wait and is placed" for key in facts.surprising]
    failures += [_said(budget) for budget in broken]
    if facts.failed:
        failures.append(f"{facts.failed} pod(s) were refused by the node they were bound to")
    placed = facts.running + facts.starting
    figures = (
        f"{facts.nodes_ready} of {facts.nodes} nodes ready, {placed} pods placed, "
        f"{facts.pending} waiting as expected, {len(broken)} budgets broken"
    )
    if facts.missing:
        figures = figures.replace("waiting as expected", "waiting")
    return Verdict(figures, tuple(failures))


def _said(budget: BrokenBudget) -> str:
    constraint = budget.constraint
    rtt = budget.kind.value if budget.rtt_us < 0 else format_ms(budget.rtt_us)
    return (
        f"{budget.pod.key} on {budget.node}: {rtt} to {constraint.reference}, "
        f"budget {constraint.within_ms}"
    )
