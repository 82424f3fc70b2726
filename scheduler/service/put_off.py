"""Nodes where something is not tried again at once, longer after each failure."""

from dataclasses import dataclass, field

FIRST_S = 15.0
"""Longer than the 10 s that kube-scheduler at most lets a pod wait before it tries it again: whom
a placeholder was removed for has its room by then."""

LONGEST_S = 240.0


@dataclass(slots=True)
class PutOff:
    """How often it failed on each node, and when it is tried again, seconds on the queue's clock.

    A failure that comes longer after the wait than the wait was is the first one again.
    """

    _until_s: dict[str, float] = field(default_factory=dict)
    _wait_s: dict[str, float] = field(default_factory=dict)

    def add(self, node: str, now_s: float) -> None:
        """Take note of a failure."""
        before_s = self._wait_s.get(node, 0.0)
        is_recent = before_s and now_s <= self._until_s[node] + before_s
        wait_s = min(2 * before_s, LONGEST_S) if is_recent else FIRST_S
        self._wait_s[node], self._until_s[node] = wait_s, now_s + wait_s

    def until_s(self, node: str) -> float:
        """Return when it may be tried on a node."""
        return self._until_s.get(node, 0.0)
