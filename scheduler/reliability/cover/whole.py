"""Whether a problem of cover holds all that any plan could do: only then its bounds bound plans."""

from collections.abc import Sequence

import numpy as np

from scheduler.placement.batch import PendingClass
from scheduler.reliability.cover.entries import Entry
from scheduler.reliability.cover.problem import Nodes


def is_whole(
    classes: Sequence[PendingClass],
    entries: Sequence[Entry],
    choices: Sequence[tuple[Nodes, Nodes]],
) -> bool:
    """Whether no plan has a choice that the problem leaves out.

    A class that others refer to, or that has rules with them, stays where the decision put it, and
    one without a place takes no part: another decision could do more for them. Running pods stay
    in every plan.

    Parameters
    ----------
    classes
        All that is pending.
    entries
        Who takes part: those of pending classes, then those of running pods.
    choices
        The hosts and backups that each entry is offered.
    """
    pending = {id(one) for one in classes}
    movable = {id(entry.pending) for entry in entries if entry.may_move}
    if any(id(one) not in movable and not one.problems for one in classes):
        return False
    return all(
        _offers_all(entry, choice, is_pending=id(entry.pending) in pending)
        for entry, choice in zip(entries, choices, strict=True)
    )


def _offers_all(entry: Entry, choice: tuple[Nodes, Nodes], *, is_pending: bool) -> bool:
    nodes = np.flatnonzero(entry.allowed)
    hosts, backups = choice
    if is_pending and not np.isin(nodes, hosts).all():
        return False
    return not entry.wants or bool(np.isin(nodes, backups).all())
