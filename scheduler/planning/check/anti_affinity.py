"""Whether each assigned pod is away from the pods of required anti-affinity, its own and theirs.

As kube-scheduler's InterPodAffinity filter would judge it on its node, given every other pod of the
final state, terminating ones included. A node without the topology key is in nobody's domain.
"""

from collections.abc import Iterator

from scheduler.domain.between import PodTerm
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.domains import domains_of
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.namespaces import TermNamespaces
from scheduler.planning.check.selection import Selection
from scheduler.planning.check.tally import Question, answered, asked

_RULE = "pod anti-affinity"
_OWN = "a pod it has to be away from"
_OTHERS = "a pod that has to be away from it"

_Terms = dict[PodTerm, set[int]]
"""Each term and the groups that have it."""


def crowded(snapshot: ClusterSnapshot, groups: Groups, everyone: Selection) -> Iterator[str]:
    """Yield the pods that share a domain with a pod they repel, or that repels them.

    A pod is reported once, whatever the number of terms and pods.
    """
    by_key: dict[str, _Terms] = {}
    for group, pod_class in enumerate(groups.classes):
        for term in pod_class.pod_anti_affinity:
            by_key.setdefault(term.topology_key, {}).setdefault(term, set()).add(group)
    found: dict[int, str] = {}
    asker = _Asker(snapshot, groups, everyone)
    for key, terms in by_key.items():
        for answers in answered(domains_of(snapshot.nodes, key), asker.ask(terms)):
            for k in (answers.others > 0).nonzero()[0].tolist():
                who = answers.questions[answers.question_of[k]].about
                found.setdefault(int(answers.rows[k]), f"{who} shares the node's {key}")
    for row, detail in found.items():
        yield groups.decided.breaks(_RULE, row, detail)


class _Asker:
    """Asks who shares a domain with pods that terms select, or with the pods of such terms."""

    def __init__(self, snapshot: ClusterSnapshot, groups: Groups, everyone: Selection) -> None:
        self._groups, self._everyone = groups, everyone
        self._assigned = Selection(groups, groups.assigned)
        self._namespaces = TermNamespaces(snapshot, groups)

    def ask(self, terms: _Terms) -> Iterator[Question[str]]:
        """Yield, of each term, where the pods are that it selects, and those that have it."""
        of_own, of_other = self._namespaces.of_own, self._namespaces.of_other
        for term, owners in terms.items():
            judged = {group for group in owners if group in self._groups.assigned}
            selected = self._everyone.select(term.selector, of_own(term)) if judged else set[int]()
            if selected:
                yield asked(self._groups, judged, selected, _OWN)
            met = self._assigned.select(term.selector, of_other(term))
            # Replicas that repel each other are the same question both ways.
            if met and not (met == judged and owners == selected):
                yield asked(self._groups, met, owners, _OTHERS)
