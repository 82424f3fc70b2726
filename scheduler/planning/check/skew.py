"""Whether hard topology spread constraints hold where pods are assigned.

As kube-scheduler's PodTopologySpread filter would judge each assigned pod on its node, given every
other pod of the final state. Soft constraints and terminating pods are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.between import SpreadConstraint
from scheduler.domain.snapshot import ClusterSnapshot, NodeTable
from scheduler.planning.check.domains import domains_of
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.inclusion import Inclusion
from scheduler.planning.check.selection import Selection
from scheduler.planning.check.tally import Answers, Question, answered

_RULE = "topology spread"


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """A constraint of one group.

    `least` is the number of pods in the emptiest domain, 0 for good if `is_short` of domains;
    `is_selected` says that the constraint selects the group's own pods.
    """

    constraint: SpreadConstraint
    least: int
    is_short: bool
    is_selected: bool


def uneven(snapshot: ClusterSnapshot, groups: Groups, everyone: Selection) -> Iterator[str]:
    """Yield where a hard constraint would not hold, and where a node has not its label."""
    asker = _Asker(snapshot.nodes, groups, everyone)
    questions: dict[str, list[Question[_Bound]]] = {}
    for group in groups.assigned:
        hard = [one for one in groups.classes[group].spread if one.is_hard]
        keys = tuple(dict.fromkeys(one.topology_key for one in hard))
        for one in hard:
            questions.setdefault(one.topology_key, []).append(asker.ask(group, keys, one))
    for key, of_key in questions.items():
        for answers in answered(domains_of(snapshot.nodes, key), of_key):
            yield from _broken(groups, key, answers)


class _Asker:
    """Asks where the pods are that a constraint counts."""

    def __init__(self, table: NodeTable, groups: Groups, everyone: Selection) -> None:
        self._table, self._groups, self._everyone = table, groups, everyone
        self._inclusion = Inclusion(table)

    def ask(self, group: int, keys: tuple[str, ...], one: SpreadConstraint) -> Question[_Bound]:
        """Return where the pods are that `one` counts of all the group's constraints, on `keys`."""
        pod_class = self._groups.classes[group]
        counted = self._inclusion.counted(pod_class, keys, one)
        selected = self._everyone.select(one.selector, (pod_class.namespace,))
        is_selected = group in selected
        # Kubernetes counts no pods for a selector that selects all, but does the pod itself.
        counts = one.selector is not None and bool(one.selector.requirements)
        occupied = self._groups.nodes(selected if counts else (), are_living=True)
        if not counted.are_all:
            occupied = occupied[counted.is_counted[occupied]]
        nodes = self._groups.nodes((group,))
        domains = counted.domains(self._table, one.topology_key)
        least = self._least(one.topology_key, occupied, domains)
        return Question(
            _Bound(one, least, len(domains) < one.min_domains, is_selected),
            self._groups.rows((group,)),
            nodes,
            counted.is_counted[nodes] & (is_selected and counts),
            occupied,
        )

    def _least(self, key: str, occupied: NDArray[np.int64], domains: NDArray[np.int64]) -> int:
        # With fewer pods than domains one is empty: hosts, nearly always.
        if len(occupied) < len(domains) or not len(domains):
            return 0
        of = domains_of(self._table, key).of[occupied]
        return int(np.bincount(of + 1, minlength=domains[-1] + 2)[domains + 1].min())


def _broken(groups: Groups, key: str, answers: Answers[_Bound]) -> Iterator[str]:
    bounds = [question.about for question in answers.questions]
    of = answers.question_of
    least = np.array([bound.least for bound in bounds], dtype=np.int64)[of]
    # Taken out alone, the pod may leave its own domain the emptiest.
    least = np.where(answers.is_own, np.minimum(least, answers.others), least)
    least[np.array([bound.is_short for bound in bounds], dtype=np.bool_)[of]] = 0
    self_match = np.array([bound.is_selected for bound in bounds], dtype=np.int64)[of]
    max_skew = np.array([bound.constraint.max_skew for bound in bounds], dtype=np.int64)[of]
    skew = answers.others + self_match - least
    for k in np.flatnonzero((answers.domain_of < 0) | (skew > max_skew)).tolist():
        detail = f"a skew of {skew[k]} over {key}, at most {max_skew[k]} allowed"
        if answers.domain_of[k] < 0:
            detail = f"the node has no label {key}"
        yield groups.decided.breaks(_RULE, int(answers.rows[k]), detail)
