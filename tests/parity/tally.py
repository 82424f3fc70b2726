"""What was compared, what came out, and every kind of difference once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.parity.compare import Difference, differences, explanation, pattern_of
from tests.parity.oracle_process import Answer, Case, OracleProcess
from tests.parity.ours import judged


@dataclass(slots=True)
class Group:
    """Differences of one pattern: how many, and the first of them."""

    count: int
    first: Difference


@dataclass(slots=True)
class Tally:
    """Counts of cases, of nodes, of kube-scheduler's verdicts, and of differences.

    `verdicts` are counted by plugin and reason, as kube-scheduler gives them. `explained` are
    counted by id. `groups` are the unexplained ones by their pattern.
    """

    cases: int = 0
    nodes: int = 0
    feasible: int = 0
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    groups: dict[str, Group] = field(default_factory=dict)

    def add(self, case: Case, theirs: Answer, ours: Answer) -> None:
        """Count a case with both answers."""
        self.cases += 1
        self.nodes += len(case["nodes"])
        self._count_verdicts(theirs)
        for difference in differences(case, theirs, ours):
            why = explanation(case, difference)
            if why:
                self.explained[why] += 1
            else:
                self._count_group(difference.pattern, Group(1, difference))

    def merge(self, other: "Tally") -> None:
        """Count all that another tally has counted."""
        self.cases += other.cases
        self.nodes += other.nodes
        self.feasible += other.feasible
        self.verdicts += other.verdicts
        self.explained += other.explained
        for pattern, group in other.groups.items():
            self._count_group(pattern, group)

    def _count_group(self, pattern: str, group: Group) -> None:
        known = self.groups.setdefault(pattern, Group(0, group.first))
        known.count += group.count

    def _count_verdicts(self, theirs: Answer) -> None:
        everywhere = theirs.get("preFilter")
        if everywhere is not None:
            self._count_refusal(everywhere)
        for verdict in theirs.get("nodes", {}).values():
            if verdict["ok"]:
                self.feasible += 1
            else:
                self._count_refusal(verdict)

    def _count_refusal(self, verdict: Answer) -> None:
        for reason in verdict["reasons"]:
            self.verdicts[verdict["plugin"], pattern_of((reason,))] += 1


def compared(oracle: OracleProcess, cases: Iterable[Case]) -> Tally:
    """Return the tally of some cases."""
    tally = Tally()
    for case, theirs in oracle.answers(cases):
        tally.add(case, theirs, judged(case))
    return tally
