"""What came of an episode."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an episode.

    `recovery_s` is from the end of the harm until every pod that could be placed was bound; None
    where that never came. `steps` are those of a virtual loop.
    """

    fault: str
    seed: int
    violations: tuple[str, ...]
    recovery_s: float | None
    bound: int
    passed_s: float
    steps: int = 0

    def count(self, rule: str) -> int:
        """Return how many violations are of a rule."""
        return sum(1 for what in self.violations if f"{rule}:" in what)
