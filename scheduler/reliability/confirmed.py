"""Which broken budgets are believed: those that fresh measurements confirm one after another.

A single slow burst is mostly no news. On PlanetLab, acting on the first value beyond a budget is
wrong in three cases of five, on the third in a row in one of twenty-five. A smoothed value does not
help: it remembers the one spike for as long as a row of confirmations takes.
"""

from collections.abc import Iterable

from scheduler.domain.delay import Quantifier
from scheduler.domain.history import History
from scheduler.reliability.budgets import Break, BrokenBudget
from telemetry.model import UNKNOWN_US

Pair = tuple[str, str]
"""A reference's node and the node measured from it."""


def confirmed(
    broken: Iterable[BrokenBudget], history: History, confirmations: int
) -> tuple[BrokenBudget, ...]:
    """Return the budgets that are believed to be broken.

    `Break.TOO_FAR` is believed when the last `confirmations` bursts of the deciding pair all exceed
    the budget. With ``any``, of *each* replica measured too far, for one that is near after all
    keeps the budget; with ``all``, of one. A lost burst neither confirms nor refutes.

    `Break.NOT_MEASURED` is never believed: that telemetry is silent is no distance, and moving a
    pod for it would move every pod when a source fails. `Break.NO_REPLICA` and
    `Break.UNKNOWN_REFERENCE` are the cluster's own word, which no burst can confirm: at once.

    Parameters
    ----------
    broken
        As `scheduler.reliability.budgets.broken_budgets` gives them.
    history
        The last bursts of each pair.
    confirmations
        How many in a row, at least 1.

    Raises
    ------
    ValueError
        If `confirmations` is less than 1.
    """
    if confirmations < 1:
        raise ValueError(f"{confirmations} confirmations are fewer than 1")
    return tuple(b for b in broken if _is_believed(b, history, confirmations))


def suspects(
    broken: Iterable[BrokenBudget], history: History, confirmations: int
) -> tuple[Pair, ...]:
    """Return the pairs to probe again at once, sorted: those that budgets not yet believed hang on.

    Pairs confirmed already are left out, also where another replica of ``any`` is not.
    """
    found: set[Pair] = set()
    for budget in broken:
        if budget.kind is Break.NOT_MEASURED:
            found.add((budget.reference_node, budget.node))
        elif not _is_believed(budget, history, confirmations):
            found.update(
                (reference, budget.node)
                for reference in _references(budget)
                if not _is_confirmed(reference, budget, history, confirmations)
            )
    return tuple(sorted(found))


def _is_believed(budget: BrokenBudget, history: History, confirmations: int) -> bool:
    match budget.kind:
        case Break.TOO_FAR:
            each = (_is_confirmed(r, budget, history, confirmations) for r in _references(budget))
            return any(each) if budget.quantifier is Quantifier.ALL else all(each)
        case Break.NOT_MEASURED:
            return False
        case Break.NO_REPLICA | Break.UNKNOWN_REFERENCE:
            return True


def _references(budget: BrokenBudget) -> tuple[str, ...]:
    return budget.too_far or (budget.reference_node,)


def _is_confirmed(
    reference: str, budget: BrokenBudget, history: History, confirmations: int
) -> bool:
    recent_us = history.recent_us(reference, budget.node)
    if recent_us is None:
        return True
    answered = [rtt_us for rtt_us in recent_us if rtt_us != UNKNOWN_US]
    last = answered[-confirmations:]
    within_us = budget.constraint.within_us
    return len(last) == confirmations and min(last) > within_us
