"""Whether the RTTs that a plan quotes are the ones its pods will have."""

from collections.abc import Iterator

import numpy as np

from scheduler.domain.delay import DelayConstraint
from scheduler.domain.plan import Measured
from scheduler.domain.snapshot import NodeTable
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.replicas import Resolved
from scheduler.planning.check.spread import RttView, Spread
from telemetry.model import UNKNOWN_US


class Quotes:
    """What the plan says it measured, heard reference by reference and held against the RTTs."""

    def __init__(self, table: NodeTable, decided: Decided) -> None:
        self._table, self._decided = table, decided
        self._heard: list[tuple[int, Measured, int]] = []
        self._is_quoted = any(made.measured for made in decided.assignments)

    def foreign(self) -> Iterator[str]:
        """Yield what is quoted for delays that the pod does not have."""
        for row, made in enumerate(self._decided.assignments):
            delays = self._decided.pods[row].pod_class.delays
            for quoted in made.measured:
                if not any(_is_of(quoted, delay) for delay in delays):
                    yield self._lie(row, quoted, "the pod has no such delay")

    def made_up(self, delay: DelayConstraint, rows: list[int]) -> Iterator[str]:
        """Yield what is quoted for a delay whose reference does not exist."""
        for row, quoted in self._of(delay, rows):
            if quoted.rtt_us != UNKNOWN_US:
                yield self._lie(row, quoted, "nothing has that name")

    def misquoted(
        self, delay: DelayConstraint, rows: list[int], resolved: Resolved, spread: Spread
    ) -> Iterator[str]:
        """Yield what is quoted for `delay` and cannot be so; `spread` has one entry a row."""
        if not self._is_quoted:
            return
        deciding = dict(zip(rows, spread.deciding_us(delay).tolist(), strict=True))
        farthest = dict(zip(rows, spread.farthest_us.tolist(), strict=True))
        replicas = frozenset(resolved.node_of.tolist())
        for row, quoted in self._of(delay, rows):
            # Of all replicas of a soft delay, some unknown: the farthest known may be said.
            is_farthest = delay.is_soft and quoted.rtt_us == farthest[row]
            if quoted.rtt_us != deciding[row] and not is_farthest:
                yield self._lie(row, quoted, f"the deciding RTT is {deciding[row]}us")
            elif quoted.rtt_us != UNKNOWN_US:
                reference = self._table.index.get(quoted.reference_node, -1)
                if reference in replicas:
                    self._heard.append((row, quoted, reference))
                else:
                    yield self._lie(row, quoted, "no replica is there")

    def untrue(self, rtt: RttView) -> Iterator[str]:
        """Yield what was heard so far of a replica that is at another RTT."""
        rows = np.array([row for row, _, _ in self._heard], dtype=np.int64)
        references = np.array([reference for _, _, reference in self._heard], dtype=np.int64)
        said = np.array([quoted.rtt_us for _, quoted, _ in self._heard], dtype=np.int64)
        actual = rtt.between(references, self._decided.node_of[rows])
        for k in np.flatnonzero(actual != said).tolist():
            row, quoted, _ = self._heard[k]
            yield self._lie(row, quoted, f"that replica is at {actual[k]}us")

    def _of(self, delay: DelayConstraint, rows: list[int]) -> Iterator[tuple[int, Measured]]:
        for row in rows:
            for quoted in self._decided.assignments[row].measured:
                if _is_of(quoted, delay):
                    yield row, quoted

    def _lie(self, row: int, quoted: Measured, truth: str) -> str:
        return (
            f"misquoted: {self._decided.pods[row].key} said to be {quoted.rtt_us}us from "
            f"{quoted.reference_node!r} for {quoted.constraint.reference}: {truth}"
        )


def _is_of(quoted: Measured, delay: DelayConstraint) -> bool:
    return quoted.constraint is delay or quoted.constraint == delay
