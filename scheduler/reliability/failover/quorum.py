"""Whether other nodes' agents agree that a node is silent."""

from collections.abc import Iterable

from telemetry.model import UNKNOWN_US

LAST = 3
"""Bursts in a row that an agent must have lost: single ones are lost on any network."""

LEAST = 3
"""Agents that must agree: two may share a broken link."""


def is_voted_dead(bursts: Iterable[tuple[int, ...]], quorum: float) -> bool:
    """Return whether so large a share of the agents that probed a node lost all last bursts.

    Parameters
    ----------
    bursts
        For each agent its last bursts to the node, newest last, microseconds; `UNKNOWN_US` for one
        that was lost whole. An agent with fewer than `LAST` has no vote.
    quorum
        The share, above 0 and up to 1.
    """
    votes = [each[-LAST:] for each in bursts if len(each) >= LAST]
    lost = sum(all(rtt_us == UNKNOWN_US for rtt_us in vote) for vote in votes)
    return lost >= max(LEAST, quorum * len(votes))
