"""Replicas of one workload that share a node or a failure domain, and what that costs."""

import numpy as np

from scheduler.reliability.cover.problem import Amounts, CoverProblem, Nodes

SAME_NODE = 2.0
"""Smallest pods' reserves it may cost to have a replica on a node of its own."""

SAME_DOMAIN = 1.0
"""… and in a failure domain of its own."""


class Crowds:
    """Replicas by group and node, and by group and domain.

    The k-th replica of a group on a node costs ``k - 1`` times `SAME_NODE`, as spreading has it
    elsewhere: the second more than the first.
    """

    def __init__(self, problem: CoverProblem) -> None:
        domains = int(problem.domain.max(initial=-1)) + 1
        self._domain = np.where(problem.domain < 0, domains, problem.domain)
        self._domain_list: list[int] = self._domain.tolist()
        self._on_node = problem.replicas.astype(np.float64)
        self._in_domain = np.zeros((len(problem.replicas), domains + 1))
        for group, counts in enumerate(problem.replicas):
            np.add.at(self._in_domain[group], self._domain, counts)
        self._node_price = SAME_NODE * problem.unit_price
        self._domain_price = np.full(domains + 1, SAME_DOMAIN * problem.unit_price)
        self._domain_price[domains] = 0.0  # who is in no domain shares none

    def costs(self, group: int, hosts: Nodes) -> Amounts:
        """Return what one more replica costs on each host."""
        domain = self._domain[hosts]
        by_node = self._node_price * self._on_node[group, hosts]
        return np.asarray(by_node + self._domain_price[domain] * self._in_domain[group, domain])

    def add(self, group: int, host: int, sign: int) -> float:
        """Count a replica in or out; return what it costs there beside the others."""
        domain = self._domain_list[host]
        if sign < 0:
            self._on_node[group, host] -= 1
            self._in_domain[group, domain] -= 1
        cost = self._node_price * self._on_node[group, host]
        cost += self._domain_price[domain] * self._in_domain[group, domain]
        if sign > 0:
            self._on_node[group, host] += 1
            self._in_domain[group, domain] += 1
        return float(cost)
