"""Ports of the host, as kube-scheduler's NodePorts plugin filters: address, protocol, port."""

from dataclasses import dataclass

import numpy as np

from scheduler.domain.between import HostPort
from scheduler.domain.reasons import Cause
from scheduler.placement.feasibility.counters import ALL, At, Counter
from scheduler.placement.feasibility.verdict import Mask, Verdict

TAKEN = "node(s) didn't have free ports for the requested pod ports"

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what a port of every address says


def clash(one: HostPort, other: HostPort) -> bool:
    """Whether two ports cannot be held on one node; that of every address clashes with each."""
    return (
        one.port == other.port
        and one.protocol == other.protocol
        and (one.ip == other.ip or ANY_ADDRESS in (one.ip, other.ip))
    )


@dataclass(frozen=True, slots=True, eq=False)
class PortRule:
    """Pods on each node that hold a port one class asks for; None where it asks for none."""

    n: int
    holders: Counter | None = None

    def __bool__(self) -> bool:
        return self.holders is not None

    def admits(self, nodes: At = ALL) -> Mask:
        """Return which of some nodes have all ports free."""
        if self.holders is None:
            return np.ones(self.n if isinstance(nodes, slice) else len(nodes), dtype=np.bool_)
        return np.asarray(self.holders.at(nodes) <= 0)

    def verdict(self) -> Verdict:
        """Return the nodes with all ports free, and the words for the others."""
        passes = self.admits()
        return Verdict(Cause.PORT, passes, [(TAKEN, ~passes)])
