"""A second opinion on placement: one integer program over the whole little cluster.

Written from the meaning of the labels and weights alone, one binary a pod and node, solved by
SciPy's HiGHS; shares no code with `scheduler.placement` but its settings.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings

EDGE = 10_000_000


@dataclass
class Rows:
    """Rows ``lower <= a x <= upper``."""

    entries: list[tuple[int, int, float]] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)

    def add(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        self.entries.extend((len(self.upper), column, value) for column, value in terms)
        self.lower.append(lower)
        self.upper.append(upper)


class ExactProgram:
    """Binary variables pod x node, then one per step of spreading."""

    def __init__(self, snapshot: ClusterSnapshot, settings: PlacementSettings) -> None:
        self.snapshot, self.settings = snapshot, settings
        self.pods = snapshot.pending
        self.n = len(snapshot.nodes)
        self.cost: list[float] = []
        self.top: list[float] = []
        for pod in self.pods:
            for node in range(self.n):
                price = self.price(pod, node)
                self.cost.append(0.0 if price is None else price)
                self.top.append(0.0 if price is None else 1.0)
        self.rows = Rows()
        for p in range(len(self.pods)):
            self.rows.add([(p * self.n + i, 1.0) for i in range(self.n)], 0.0, 1.0)
        self.add_rooms()
        self.add_spreading()

    def price(self, pod: Pod, node: int) -> int | None:
        total = 0
        for delay in pod.pod_class.delays:
            rtt_us = int(self.snapshot.rtt_from(delay.reference.name)[node])
            if rtt_us < 0 or rtt_us > delay.within_us:
                return None
            total += self.settings.cost.latency_weight * rtt_us
        is_cloud = self.snapshot.nodes.is_cloud
        if not pod.pod_class.delays and is_cloud.any() and not is_cloud[node]:
            total += EDGE
        return total

    def add_rooms(self) -> None:
        table = self.snapshot.nodes
        for node in range(self.n):
            for r in range(len(table.resources)):
                terms = [
                    (p * self.n + node, float(table.demand(pod.pod_class)[r]))
                    for p, pod in enumerate(self.pods)
                ]
                self.rows.add(terms, 0.0, float(table.allocatable[node, r]))

    def add_spreading(self) -> None:
        weights = self.settings.cost
        table = self.snapshot.nodes
        owners = {pod.pod_class.workload for pod in self.pods}
        for owner in sorted(o for o in owners if o is not None):
            members = [p for p, pod in enumerate(self.pods) if pod.pod_class.workload == owner]
            if len(members) < 2:
                continue
            if len(table.domain_names) > 1:
                for domain in range(len(table.domain_names)):
                    nodes = np.flatnonzero(table.domain == domain).tolist()
                    self.add_steps(members, nodes, weights.spread_domain_weight)
            for node in range(self.n):
                self.add_steps(members, [node], weights.spread_node_weight)

    def add_steps(self, members: list[int], nodes: list[int], weight: int) -> None:
        first = len(self.cost)
        self.cost.extend(float(weight * k) for k in range(len(members)))
        self.top.extend(1.0 for _ in members)
        terms = [(p * self.n + node, 1.0) for p in members for node in nodes]
        terms += [(first + k, -1.0) for k in range(len(members))]
        self.rows.add(terms, 0.0, 0.0)

    def solve(self) -> tuple[tuple[int, ...], int]:
        """Return the pods placed by falling priority, and the least cost of placing them."""
        priorities = sorted({pod.pod_class.priority for pod in self.pods}, reverse=True)
        placed = []
        for priority in priorities:
            members = [
                p * self.n + i
                for p, pod in enumerate(self.pods)
                if pod.pod_class.priority == priority
                for i in range(self.n)
            ]
            objective = np.zeros(len(self.cost))
            objective[members] = -1.0
            best = round(-self.run(objective)[0])
            placed.append(best)
            self.rows.add([(k, 1.0) for k in members], float(best), np.inf)
        return tuple(placed), round(self.run(np.array(self.cost) / 1_000)[0] * 1_000)

    def run(self, objective: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        row, column, value = (np.array(part) for part in zip(*self.rows.entries, strict=True))
        shape = (len(self.rows.upper), len(self.cost))
        matrix = coo_matrix((value, (row.astype(int), column.astype(int))), shape=shape).tocsr()
        answer = milp(
            objective,
            constraints=LinearConstraint(matrix, self.rows.lower, self.rows.upper),
            integrality=np.ones(len(self.cost), dtype=np.int64),
            bounds=Bounds(0.0, np.array(self.top)),
            options={"mip_rel_gap": 0.0},
        )
        assert answer.x is not None
        return float(answer.fun), np.asarray(answer.x)
