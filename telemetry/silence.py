"""Which agents should report and do not, and whether there are any at all."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_NAMED = 5

NOBODY = "no agent is running; see telemetry.agents.podLabel and configs/kubernetes/agent.yaml"


@dataclass(slots=True)
class Silence:
    """Tells when agents fall silent or are gone, and when they are back; all times in seconds.

    Parameters
    ----------
    report_s
        How often an agent reports. Three missed reports are silence.
    """

    report_s: float
    _last_s: dict[str, float] = field(default_factory=dict)
    _silent: frozenset[str] = frozenset()
    _nobody_since_s: float | None = None
    _is_nobody: bool = False
    _is_heard: bool = True

    @property
    def look_s(self) -> float:
        """How often to look."""
        return self.report_s

    @property
    def silent(self) -> frozenset[str]:
        """Nodes whose agent was silent at the last look."""
        return self._silent

    @property
    def is_partial(self) -> bool:
        """Whether at the last look fewer than half of the agents were silent."""
        return not self._is_nobody and 2 * len(self._silent) < len(self._last_s)

    def expect(self, nodes: Iterable[str], now_s: float) -> None:
        """Expect reports of these nodes and no others; a new one is given time to begin."""
        self._last_s = {node: self._last_s.get(node, now_s) for node in nodes}
        if self._last_s:
            self._nobody_since_s = None
        elif self._nobody_since_s is None:
            self._nobody_since_s, self._is_heard = now_s, False

    def heard(self, node: str, now_s: float) -> None:
        """Take note of a report."""
        if node in self._last_s:
            self._last_s[node] = now_s
            self._is_heard = True

    def news(self, now_s: float) -> str | None:
        """Return what is wrong, the empty text if nothing is, or None where nothing changed.

        That all agents are gone is no recovery of silent ones; nor that new ones run, until one of
        them reports.
        """
        if not self._last_s:
            return self._news_of_nobody(now_s)
        silent = frozenset(n for n, at_s in self._last_s.items() if now_s - at_s > self._patience_s)
        if not self._is_nobody and silent == self._silent:
            return None
        if not silent and not self._is_heard:
            return None
        self._silent, self._is_nobody = silent, False
        return self._said() if silent else ""

    def _news_of_nobody(self, now_s: float) -> str | None:
        if self._nobody_since_s is None:
            self._nobody_since_s, self._is_heard = now_s, False
        if self._is_nobody or now_s - self._nobody_since_s <= self._patience_s:
            return None
        self._silent, self._is_nobody = frozenset(), True
        return NOBODY

    def _said(self) -> str:
        silent = self._silent
        names = ", ".join(sorted(silent)[:_NAMED])
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        return (
            f"{len(silent)} of {len(self._last_s)} agents are silent for {self._patience_s:.0f} s: "
            f"{names}{more}"
        )

    @property
    def _patience_s(self) -> float:
        return 3 * self.report_s
