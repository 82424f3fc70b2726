"""Whether each assigned pod is near the pods that its required affinity asks for.

As kube-scheduler's InterPodAffinity filter would judge it on its node, given every other pod of the
final state, terminating ones included.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot, NodeTable
from scheduler.planning.check.domains import domains_of
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.namespaces import TermNamespaces
from scheduler.planning.check.selection import Selection
from scheduler.planning.check.tally import Question, answered, asked

_RULE = "pod affinity"


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """One group's topology keys, and whether its own pods meet all its terms."""

    keys: tuple[str, ...]
    is_fellow: bool


_Alone = tuple[str, Question[_Near]]
"""A topology key, and the question that nobody answered there."""


def lonely(snapshot: ClusterSnapshot, groups: Groups, everyone: Selection) -> Iterator[str]:
    """Yield the pods with no pod they ask for in some domain they ask for it in.

    The first of pods that ask for one another is let be: where no other pod in the cluster that
    meets its terms is in any domain of theirs, and it meets them itself.
    """
    table = snapshot.nodes
    unlabelled: dict[int, str] = {}
    alone: dict[int, _Alone] = {}
    questions = _questions(groups, everyone, TermNamespaces(snapshot, groups))
    for key, of_key in questions.items():
        for answers in answered(domains_of(table, key), of_key):
            for k in np.flatnonzero(answers.others == 0).tolist():
                row = int(answers.rows[k])
                if answers.domain_of[k] < 0:
                    unlabelled.setdefault(row, key)
                else:
                    alone[row] = key, answers.questions[answers.question_of[k]]
    for row, key in unlabelled.items():
        alone.pop(row, None)
        yield groups.decided.breaks(_RULE, row, f"the node has no label {key}")
    for row, key in _not_first(table, alone):
        detail = f"no pod it has to be near shares the node's {key}"
        yield groups.decided.breaks(_RULE, row, detail)


def _questions(
    groups: Groups, everyone: Selection, namespaces: TermNamespaces
) -> dict[str, list[Question[_Near]]]:
    """Return, by topology key, where the pods are that meet all terms of a group at once."""
    questions: dict[str, list[Question[_Near]]] = {}
    for group in groups.assigned:
        terms = groups.classes[group].pod_affinity
        if not terms:
            continue
        # It takes one and the same pod to meet all terms.
        met = [everyone.select(term.selector, namespaces.of_own(term)) for term in terms]
        fellows: AbstractSet[int] = met[0]
        for others in met[1:]:
            fellows = fellows & others
        keys = tuple(dict.fromkeys(term.topology_key for term in terms))
        question = asked(groups, (group,), fellows, _Near(keys, group in fellows))
        for key in keys:
            questions.setdefault(key, []).append(question)
    return questions


def _not_first(table: NodeTable, alone: dict[int, _Alone]) -> Iterator[tuple[int, str]]:
    """Yield those on nodes with all the labels that are not the first to be asked for."""
    is_first: dict[int, bool] = {}
    for row, (key, question) in alone.items():
        if id(question) not in is_first:
            is_first[id(question)] = _may_be_first(table, question)
        if not is_first[id(question)]:
            yield row, key


def _may_be_first(table: NodeTable, question: Question[_Near]) -> bool:
    """Whether a pod on a node that has all the labels would be the first to be asked for."""
    near = question.about
    in_some_domain = sum(
        int(np.count_nonzero(domains_of(table, key).of[question.occupied] >= 0))
        for key in near.keys
    )
    # Its own node has every label: it is counted once a key.
    return near.is_fellow and in_some_domain == len(near.keys)
