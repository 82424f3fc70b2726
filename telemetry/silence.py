"""Which agents should report and do not."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_NAMED = 5


@dataclass(slots=True)
class Silence:
    """Tells when agents fall silent, and when they are back; all times in seconds.

    Parameters
    ----------
    report_s
        How often an agent reports. Three missed reports are silence.
    """

    report_s: float
    _last_s: dict[str, float] = field(default_factory=dict)
    _silent: frozenset[str] = frozenset()

    @property
    def look_s(self) -> float:
        """How often to look."""
        return self.report_s

    @property
    def silent(self) -> frozenset[str]:
        """Nodes whose agent was silent at the last look."""
        return self._silent

    def expect(self, nodes: Iterable[str], now_s: float) -> None:
        """Expect reports of these nodes and no others; a new one is given time to begin."""
        self._last_s = {node: self._last_s.get(node, now_s) for node in nodes}

    def heard(self, node: str, now_s: float) -> None:
        """Take note of a report."""
        if node in self._last_s:
            self._last_s[node] = now_s

    def news(self, now_s: float) -> str | None:
        """Return what is wrong, the empty text if nothing is, or None where nothing changed."""
        silent = frozenset(n for n, at_s in self._last_s.items() if now_s - at_s > self._patience_s)
        if silent == self._silent:
            return None
        self._silent = silent
        if not silent:
            return ""
        names = ", ".join(sorted(silent)[:_NAMED])
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        return (
            f"{len(silent)} of {len(self._last_s)} agents are silent for {self._patience_s:.0f} s: "
            f"{names}{more}"
        )

    @property
    def _patience_s(self) -> float:
        return 3 * self.report_s
