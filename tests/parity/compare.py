"""Where our answer is not kube-scheduler's, and which of these differences are meant to be."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.parity.oracle_process import Answer, Case

Kind = Literal["admitted", "refused", "reasons", "fault"]
"""We admit a node that kube-scheduler refuses; the other way round; both refuse it, for different
reasons; or one of the two has no answer.
"""

_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\b(?:default|blue|red)/[\w.-]+|\d+')


@dataclass(frozen=True, slots=True)
class Difference:
    """One node on which the two do not say the same.

    `theirs` and `ours` are sorted reasons, empty where the node is feasible. `code` is
    kube-scheduler's.
    """

    case: str
    node: str
    kind: Kind
    theirs: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    code: str = ""

    @property
    def pattern(self) -> str:
        """What it has in common with others of its kind: everything but names and numbers."""
        return f"{self.kind}: theirs {pattern_of(self.theirs)}; ours {pattern_of(self.ours)}"


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer's word on one node; without reasons the node is feasible."""

    reasons: tuple[str, ...] = ()
    code: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Explained:
    """A difference that is meant to be."""

    id: str
    why: str
    holds: Callable[[Case, Difference], bool]


def _is_fault_of_theirs(_: Case, difference: Difference) -> bool:
    return difference.kind == "reasons" and difference.code == "Error"


def _is_not_ready(case: Case, difference: Difference) -> bool:
    said = [
        condition["status"]
        for node in case["nodes"]
        for condition in node["status"].get("conditions", ())
        if node["metadata"]["name"] == difference.node and condition["type"] == "Ready"
    ]
    is_ready = all(status == "True" for status in said)
    return not is_ready and difference.ours == ("node(s) were not ready",)


EXPLAINED = (
    Explained(
        "fault",
        "kube-scheduler cannot judge the node, and gives up the attempt. We refuse the node.",
        _is_fault_of_theirs,
    ),
    Explained(
        "not-ready",
        "kube-scheduler relies on the taints that a controller adds to a node that is not ready. We"
        " also read the condition, which is there a moment earlier.",
        _is_not_ready,
    ),
)


def explanation(case: Case, difference: Difference) -> str:
    """Return the id of what explains a difference, or nothing."""
    return next((one.id for one in EXPLAINED if one.holds(case, difference)), "")


def differences(case: Case, theirs: Answer, ours: Answer) -> Iterator[Difference]:
    """Yield all differences of two answers, explained or not."""
    name = case["id"]
    faults = (_fault(theirs), _fault(ours))
    if any(faults):
        yield Difference(name, "", "fault", *faults)
        return
    names = [one["metadata"]["name"] for one in case["nodes"]]
    for node in names:
        there, here = _said_of(node, theirs), _said_of(node, ours)
        if there.reasons != here.reasons:
            kind: Kind = "refused" if there.is_ok else "admitted" if here.is_ok else "reasons"
            yield Difference(name, node, kind, there.reasons, here.reasons, there.code)


def _fault(answer: Answer) -> tuple[str, ...]:
    said = answer.get("error", "")
    return (said,) if said else ()


def _said_of(node: str, answer: Answer) -> _Said:
    """Return an answer's word on a node. A pod that is refused as such is so on every node."""
    verdict = answer["preFilter"] or answer["nodes"][node]
    if verdict.get("ok"):
        return _Said()
    return _Said(tuple(sorted(verdict["reasons"])) or ("no reason",), verdict["code"])


def pattern_of(reasons: tuple[str, ...]) -> str:
    """Return reasons without the names and numbers in them."""
    return " + ".join(_NAMES.sub("*", reason) for reason in reasons) or "feasible"
