"""What people are told of the source of round-trip times."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class RttHealth:
    """The sources' names, empty without one, and what is wrong with each, or only lacking."""

    source: str = "the source"
    problems: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """What is wrong with any of them; empty if nothing is."""
        return _joined(self.problems)

    @property
    def lack(self) -> str:
        """What is missing of what they give; empty if nothing is."""
        return _joined(self.lacks)

    @property
    def is_whole(self) -> bool:
        """Whether each gives all it should."""
        return not self.problem and not self.lack

    def tell(self, source: str, problem: str, lack: str = "") -> None:
        """Take note of how a source does."""
        self.problems[source], self.lacks[source] = problem, lack

    def sentence(self, nodes: int, age_s: float | None) -> str:
        """Return how things stand with the RTT table that is in use.

        Parameters
        ----------
        nodes
            Of the table.
        age_s
            Since it was taken over, seconds; None for never.
        """
        if not nodes:
            return f"no round-trip times: {self._cause()}; pods that ask for a delay wait"
        said = f"round-trip times of {nodes} nodes"
        if age_s is not None:
            said += f", taken over {_span(age_s)} ago"
        if self.problem:
            said += f"; the source gives nothing new: {self.problem}"
        if self.lack:
            said += f"; not all is measured: {self.lack}"
        return said

    def _cause(self) -> str:
        if self.problem or self.lack:
            return self.problem or self.lack
        if self.source:
            return f"{self.source} has not been read yet"
        return "no source is set (telemetry in the settings, or --delay-matrix)"


def _joined(said: Mapping[str, str]) -> str:
    found = {name: what for name, what in sorted(said.items()) if what}
    if len(found) == 1:
        return next(iter(found.values()))
    return "; ".join(f"{name}: {what}" for name, what in found.items())


def _span(seconds: float) -> str:
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
