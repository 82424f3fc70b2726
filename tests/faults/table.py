"""Outcomes summed up by fault, as docs/reliability.md shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from typing_extensions import override

from tests.faults.outcome import Outcome

_HEAD = (
    "| fault | what | episodes | bindings | lost | doubled | other | recovery p50 | p99 | max |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


class Named(Protocol):
    """A kind of harm, as a table has it."""

    @property
    def name(self) -> str:
        """A word."""
        ...

    @property
    def what(self) -> str:
        """A phrase: what it does."""
        ...


@dataclass(slots=True)
class Row:
    """Sums of one fault's episodes."""

    fault: Named
    episodes: int = 0
    bound: int = 0
    lost: int = 0
    doubled: int = 0
    others: int = 0
    passed_s: float = 0.0
    recoveries_s: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an episode."""
        lost, doubled = outcome.count("lost"), outcome.count("doubled")
        self.episodes += 1
        self.bound += outcome.bound
        self.lost += lost
        self.doubled += doubled
        self.others += len(outcome.violations) - lost - doubled
        self.passed_s += outcome.passed_s
        if outcome.recovery_s is not None:
            self.recoveries_s.append(outcome.recovery_s)

    @override
    def __str__(self) -> str:
        fault, found = self.fault, sorted(self.recoveries_s)
        quantiles = " | ".join(f"{_quantile(found, q):.1f} s" for q in (0.5, 0.99, 1.0))
        counts = " | ".join(
            f"{n:,}" for n in (self.episodes, self.bound, self.lost, self.doubled, self.others)
        )
        return f"| {fault.name} | {fault.what} | {counts} | {quantiles} |"


def table(rows: Iterable[Row]) -> str:
    """Return the rows in Markdown."""
    return "\n".join((*_HEAD, *map(str, rows)))


def _quantile(found: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of all do not exceed; NaN of none."""
    if not found:
        return float("nan")
    return found[max(0, -(-round(share * len(found) * 1e6) // 1_000_000) - 1)]
