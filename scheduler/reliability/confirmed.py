"""Which broken budgets are believed: those that fresh measurements confirm one after another.

A single slow burst is mostly no news. On PlanetLab, acting on the first value beyond a budget is
wrong in three cases of five, on the third in a row in one of twenty-five. A smoothed value does not
help: it remembers the one spike for as long as a row of confirmations takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.domain.delay import Quantifier
from scheduler.domain.history import History
from scheduler.reliability.budgets import Break, BrokenBudget
from telemetry.model import UNKNOWN_US

Pair = tuple[str, str]
"""A reference's node and the node measured from it."""

_ANY_DISTANCE_US = 1 << 40
"""Stands for bursts that are beyond every budget."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of broken budgets.

    Parameters
    ----------
    believed
        Those that are believed to be broken.
    suspects
        The pairs to probe again at once, each once, in the order of budgets: those that budgets not
        yet believed hang on. Pairs confirmed already are left out, also where another replica of
        ``any`` is not.
    """

    believed: tuple[BrokenBudget, ...]
    suspects: tuple[Pair, ...]


class Confirmations:
    """What the last bursts of pairs say, each pair looked up once: good for one look.

    Parameters
    ----------
    history
        The last bursts of each pair.
    number
        How many in a row confirm, at least 1.

    Raises
    ------
    ValueError
        If `number` is less than 1.
    """

    def __init__(self, history: History, number: int) -> None:
        if number < 1:
            raise ValueError(f"{number} confirmations are fewer than 1")
        self._history = history
        self._number = number
        self._least_us: dict[Pair, int] = {}

    def least_us(self, pair: Pair) -> int:
        """Return what the last bursts of a pair all reach; less than any budget if they are few."""
        found = self._least_us.get(pair)
        if found is None:
            found = self._least_us[pair] = self._looked_up(pair)
        return found

    def _looked_up(self, pair: Pair) -> int:
        recent_us = self._history.recent_us(*pair)
        if recent_us is None:
            return _ANY_DISTANCE_US
        answered = [rtt_us for rtt_us in recent_us if rtt_us != UNKNOWN_US]
        last = answered[-self._number :]
        return min(last) if len(last) == self._number else UNKNOWN_US


def judged(broken: Iterable[BrokenBudget], confirmations: Confirmations) -> Judged:
    """Return which budgets are believed to be broken, and what to measure for the others.

    `Break.TOO_FAR` is believed when the last bursts of the deciding pair all exceed the budget, as
    many as confirm. With ``any``, of *each* replica measured too far, for one that is near after
    all keeps the budget; with ``all``, of one. A lost burst neither confirms nor refutes.

    `Break.NOT_MEASURED` is never believed: that telemetry is silent is no distance, and moving a
    pod for it would move every pod when a source fails. `Break.NO_REPLICA` and
    `Break.UNKNOWN_REFERENCE` are the cluster's own word, which no burst can confirm: at once.

    Parameters
    ----------
    broken
        As `scheduler.reliability.budgets.broken_budgets` gives them.
    confirmations
        The last bursts of each pair, and how many of them confirm.
    """
    believed: list[BrokenBudget] = []
    suspected: dict[Pair, None] = {}
    for budget in broken:
        match budget.kind:
            case Break.TOO_FAR:
                doubted = _doubted(budget, confirmations)
                if _is_believed(budget, len(doubted)):
                    believed.append(budget)
                else:
                    suspected.update(dict.fromkeys(doubted))
            case Break.NOT_MEASURED:
                suspected[budget.reference_node, budget.node] = None
            case Break.NO_REPLICA | Break.UNKNOWN_REFERENCE:
                believed.append(budget)
    return Judged(tuple(believed), tuple(suspected))


def confirmed(
    broken: Iterable[BrokenBudget], history: History, confirmations: int
) -> tuple[BrokenBudget, ...]:
    """Return the budgets that are believed to be broken, as `judged`.

    Raises
    ------
    ValueError
        If `confirmations` is less than 1.
    """
    return judged(broken, Confirmations(history, confirmations)).believed


def _doubted(budget: BrokenBudget, confirmations: Confirmations) -> list[Pair]:
    """Return the pairs of a budget that are not confirmed to be beyond it."""
    within_us, node = budget.constraint.within_us, budget.node
    pairs = [(reference, node) for reference in budget.too_far or (budget.reference_node,)]
    return [pair for pair in pairs if confirmations.least_us(pair) <= within_us]


def _is_believed(budget: BrokenBudget, doubted: int) -> bool:
    if budget.quantifier is Quantifier.ALL:
        return doubted < max(1, len(budget.too_far))
    return doubted == 0
