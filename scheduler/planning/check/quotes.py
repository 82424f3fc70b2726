"""Whether the RTTs that a plan quotes are the ones its pods will have."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduler.domain.delay import DelayConstraint
from scheduler.domain.plan import Measured
from scheduler.domain.snapshot import NodeTable
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.replicas import Resolved
from scheduler.planning.check.spread import RttView, Spread
from telemetry.model import UNKNOWN_US


def foreign(decided: Decided) -> list[str]:
    """Return what is quoted for delays that the pod does not have."""
    return [
        _lie(pod.key, quoted, "the pod has no such delay")
        for pod, made in zip(decided.pods, decided.assignments, strict=True)
        for quoted in made.measured
        if not any(_is_of(quoted, delay) for delay in pod.pod_class.delays)
    ]


def made_up(decided: Decided, delay: DelayConstraint, rows: list[int]) -> Iterator[str]:
    """Yield what is quoted for a delay whose reference does not exist."""
    for row in rows:
        for quoted in decided.assignments[row].measured:
            if _is_of(quoted, delay) and quoted.rtt_us != UNKNOWN_US:
                yield _lie(decided.pods[row].key, quoted, "nothing has that name")


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """What is known of one reference, to hold quotes against."""

    table: NodeTable
    decided: Decided
    resolved: Resolved
    rtt: RttView

    def misquoted(self, delay: DelayConstraint, rows: list[int], spread: Spread) -> Iterator[str]:
        """Yield what is quoted for `delay` and is not so; `spread` has one entry a row."""
        deciding = spread.deciding_us(delay).tolist()
        farthest = spread.farthest_us.tolist()
        for k, row in enumerate(rows):
            for quoted in self.decided.assignments[row].measured:
                if not _is_of(quoted, delay):
                    continue
                # Of all replicas of a soft delay, some unknown: the farthest known may be said.
                truths = (deciding[k], farthest[k]) if delay.is_soft else (deciding[k],)
                key = self.decided.pods[row].key
                if quoted.rtt_us not in truths:
                    yield _lie(key, quoted, f"the deciding RTT is {deciding[k]}us")
                elif quoted.rtt_us != UNKNOWN_US and not self._is_so(quoted, row):
                    yield _lie(key, quoted, "no replica is there at that RTT")

    def _is_so(self, quoted: Measured, row: int) -> bool:
        """Whether the quoted node runs a replica and is as far as is said."""
        reference = self.table.index.get(quoted.reference_node)
        nodes = self.resolved.node_of  # sorted
        if reference is None or reference not in nodes[np.searchsorted(nodes, reference) :][:1]:
            return False
        at = self.decided.node_of[row : row + 1]
        return bool(self.rtt.between(reference, at)[0] == quoted.rtt_us)


def _is_of(quoted: Measured, delay: DelayConstraint) -> bool:
    return quoted.constraint is delay or quoted.constraint == delay


def _lie(key: str, quoted: Measured, truth: str) -> str:
    return (
        f"misquoted: {key} said to be {quoted.rtt_us}us from {quoted.reference_node!r} "
        f"for {quoted.constraint.reference}: {truth}"
    )
