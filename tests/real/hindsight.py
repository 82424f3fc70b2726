"""Our decisions judged by what could be seen when they were made; kube-scheduler's filters judge.

A decision is made on one state of the cluster. Which one the process does not tell, but it is not
older than the creation of any pod that was decided on, nor than what an earlier decision saw: one
watch tells of all pods in order. Nor is it newer than the first binding that came of it. In one of
the states in between the decision must have been right: each of its pods on its node, given all
others that stood there, and all that we had placed before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.parity.oracle_process import Case, OracleProcess
from tests.parity.placements import has_order
from tests.real.api import Object
from tests.real.history import Life
from tests.real.objects import OURS

_DECISION = "isochrone.dev/decision"
_KEPT = ("name", "namespace", "uid", "labels", "creationTimestamp", "ownerReferences")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, a sentence each, and how many decisions and pods were judged."""

    faults: tuple[str, ...]
    decisions: int
    pods: int


@dataclass(frozen=True, slots=True)
class _Decision:
    """Pods that were bound by one decision; those of decisions before; what was seen for sure."""

    name: str
    pods: Sequence[Life]
    before: Sequence[Life]
    seen: int

    @property
    def first_bound(self) -> int:
        return min(pod.bound for pod in self.pods)


class Hindsight:
    """What became of pods, and a judge.

    Parameters
    ----------
    oracle
        Is asked.
    nodes, namespaces
        As they stand by the end; nodes that came late count from the start.
    lives
        Of all pods.
    """

    def __init__(
        self,
        oracle: OracleProcess,
        nodes: Sequence[Object],
        namespaces: Sequence[Object],
        lives: Sequence[Life],
    ) -> None:
        self._oracle, self._lives = oracle, lives
        self._world = {"nodes": nodes, "namespaces": namespaces}
        self._theirs = [life for life in lives if life.scheduler != OURS]

    def judge(self, decisions: Iterable[str]) -> Verdict:
        """Judge all that we have bound.

        Parameters
        ----------
        decisions
            The names of our decisions in the order they were made.
        """
        made = self._made(decisions)
        faults = [fault for one in made for fault in self._faults(one)]
        known = {pod.key for one in made for pod in one.pods}
        faults += [
            f"{life.key} is bound, and no decision of ours says so"
            for life in self._lives
            if life.scheduler == OURS and life.bound and life.key not in known
        ]
        return Verdict(tuple(faults), len(made), len(known))

    def misplaced(self) -> dict[str, tuple[str, ...]]:
        """Return which pods kube-scheduler would not have where they are by the end, and why."""
        alive = [life for life in self._lives if life.bound and not life.ended]
        return self._refused(self._case("the end", alive, alive))

    def _made(self, decisions: Iterable[str]) -> list[_Decision]:
        by_decision: dict[str, list[Life]] = {}
        for life in self._lives:
            name = life.pod["metadata"].get("annotations", {}).get(_DECISION, "")
            if life.bound and name:
                by_decision.setdefault(name, []).append(life)
        out: list[_Decision] = []
        before: list[Life] = []
        seen = 0
        for name in decisions:
            pods = by_decision.pop(name, [])
            if pods:
                seen = max(seen, *(pod.created for pod in pods))
                out.append(_Decision(name, pods, tuple(before), seen))
                before += pods
        return out

    def _faults(self, decision: _Decision) -> list[str]:
        """Return what is wrong with a decision by the first state that it could have been made on.

        Nothing, if it is right by any of them.
        """
        first: list[str] = []
        for version in self._versions(decision):
            case = self._as_of(decision, version)
            refused = self._refused(case)
            if not refused or has_order(self._oracle, case):
                return []
            first = first or [
                f"{key} in decision {decision.name}: {'; '.join(why)}"
                for key, why in refused.items()
            ]
        return first

    def _versions(self, decision: _Decision) -> list[int]:
        changes = {version for life in self._lives for version in (life.bound, life.ended)}
        between = {v for v in changes if decision.seen < v < decision.first_bound}
        return [decision.seen, *sorted(between)]

    def _as_of(self, decision: _Decision, version: int) -> Case:
        others = [life for life in self._theirs if life.stands(version)]
        # What we had placed counted for us from then on, bound or not yet.
        others += [life for life in decision.before if not life.ended or version < life.ended]
        return self._case(decision.name, [*others, *decision.pods], decision.pods)

    def _case(self, name: str, pods: Sequence[Life], judged: Sequence[Life]) -> Case:
        return {
            **self._world,
            "id": name,
            "mode": "batch",
            "pods": [_standing(life.pod) for life in pods],
            "judge": [life.key for life in judged],
        }

    def _refused(self, case: Case) -> dict[str, tuple[str, ...]]:
        answer = self._oracle.ask(case)
        if answer["error"]:
            raise ValueError(answer["error"])
        return {
            key: tuple(verdict["reasons"])
            for key, verdict in answer["verdicts"].items()
            if not verdict["ok"]
        }


def _standing(pod: Object) -> Object:
    """Return a pod as it was while it stood on its node, whatever became of it."""
    metadata = {name: pod["metadata"][name] for name in _KEPT if name in pod["metadata"]}
    return {"metadata": metadata, "spec": pod["spec"], "status": {"phase": "Running"}}
