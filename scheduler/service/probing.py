"""The feed of telemetry as the service's `Prober`."""

from collections.abc import Sequence

from scheduler.domain.ports import Interest
from telemetry.feed import Feed

BURST = 3
"""Packets a peer."""


class FeedProber:
    """Implements `scheduler.domain.ports.Prober`.

    Parameters
    ----------
    feed
        Of all sources.
    timeout_s
        For the answer to a probe on demand, seconds, beyond the time that its packets take.
    pps
        Packets a second for such probes.
    history_s
        Bursts older than this confirm nothing, seconds.
    """

    def __init__(self, feed: Feed, timeout_s: float, history_s: float, pps: float) -> None:
        self._feed = feed
        self._pps = pps
        self._timeout_s = timeout_s
        self._history_s = history_s

    def focus(self, interest: Interest) -> None:
        """Say what decisions depend on now."""
        self._feed.set_zones(interest.zone_of)
        self._feed.focus(interest.references, interest.near, interest.dead)

    def can_probe(self, reference: str, nodes: Sequence[str] | None) -> bool:
        """Whether these pairs can be measured now."""
        return self._feed.can_probe(reference, nodes)

    def silent_agents(self) -> frozenset[str]:
        """Return the nodes whose own agent is silent."""
        return self._feed.silent_agents

    async def probe(self, reference: str, nodes: Sequence[str] | None) -> bool:
        """Measure them."""
        count = self._feed.count if nodes is None else len(nodes)
        packets_s = BURST * count / self._pps
        return await self._feed.probe(reference, nodes, self._timeout_s + packets_s)

    def recent_us(self, reference_node: str, node: str) -> tuple[int, ...] | None:
        """Return the last fresh bursts of a pair, newest last."""
        return self._feed.recent_us(reference_node, node, self._history_s)
