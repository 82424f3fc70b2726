"""An edge cluster that is 80 % full, drawn from a seed: PlanetLab nodes, Deployments with budgets.

In the manner of `benchmarks.cases`: neighbourhoods of ten nodes, budgets that few, some or most
nodes meet, pods of 256 to 1024 Mi; memory is what is scarce. Budgets are rarely the tightest, and
those come first: at this load, with no pod ever moved, others would leave no room for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import PLANETLAB, UNIT_MIB, planetlab_ms
from tests.real.api import Object
from tests.real.objects import deployment, node, pod_spec

LOAD = 0.8
TOLERATION_S = 1
_BANDS = ((5, 8), (8, 15), (20, 40))
"""How many nodes meet a budget, from and to."""
_SHARES = (0.15, 0.45, 0.4)
_WITH_BUDGET = 0.75
_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


@dataclass(frozen=True, slots=True)
class Budget:
    """A delay budget: at most so long from the node it refers to."""

    reference: str
    limit_ms: int


@dataclass(frozen=True, slots=True)
class EdgeLoad:
    """Nodes, their round-trip times, and what runs on them.

    Parameters
    ----------
    nodes, deployments
        As the API takes them.
    names
        Of the nodes.
    rtt_us
        Shape ``(n, n)``, in the order of `names`.
    budgets
        By the name of the Deployment; some have none.
    replicas
        By the name of the Deployment.
    """

    nodes: Sequence[Object]
    deployments: Sequence[Object]
    names: Sequence[str]
    rtt_us: NDArray[np.int32]
    budgets: Mapping[str, Budget]
    replicas: Mapping[str, int]

    def is_met(self, app: str, node_name: str) -> bool:
        """Whether a pod of a Deployment may run on a node, as for its budget."""
        budget = self.budgets.get(app)
        if budget is None:
            return True
        row, column = self.names.index(budget.reference), self.names.index(node_name)
        return int(self.rtt_us[row, column]) <= budget.limit_ms * 1000


def edge_load(seed: int, *, nodes: int = 36, deployments: int = 80) -> EdgeLoad:
    """Return the cluster of a seed; its Deployments have one to three replicas."""
    rng = np.random.default_rng(seed)
    rtt_ms = planetlab_ms(PLANETLAB, nodes, rng)
    names = [f"edge-{number:02d}" for number in range(nodes)]
    apps = [f"app-{number:02d}" for number in range(deployments)]
    replicas = dict(zip(apps, rng.integers(1, 4, size=deployments).tolist(), strict=True))
    units = dict(zip(apps, rng.integers(1, 5, size=deployments).tolist(), strict=True))
    reach = _reaches(rng, deployments, nodes)
    budgets = {
        app: _budget(rtt_ms, names, rng, of)
        for app, of in zip(apps, reach, strict=True)
        if rng.random() < _WITH_BUDGET
    }
    asked = sum(replicas[app] * units[app] for app in apps)
    share = rng.uniform(0.6, 1.4, size=nodes)
    room = np.maximum(4, np.rint(share / share.sum() * asked / LOAD)).astype(int).tolist()
    return EdgeLoad(
        [node(name, memory=f"{of * UNIT_MIB}Mi") for name, of in zip(names, room, strict=True)],
        [_deployment(app, replicas[app], units[app], budgets.get(app)) for app in apps],
        names,
        (rtt_ms * 1000).astype(np.int32),
        budgets,
        replicas,
    )


def _reaches(rng: np.random.Generator, count: int, nodes: int) -> list[int]:
    """Return how many nodes budgets are to reach, ascending."""
    bands = np.array(_BANDS)[rng.choice(len(_BANDS), size=count, p=_SHARES)]
    drawn = rng.integers(bands[:, 0], bands[:, 1] + 1)
    return sorted(np.minimum(drawn, nodes - 1).tolist())


def _budget(
    rtt_ms: NDArray[np.int64], names: Sequence[str], rng: np.random.Generator, reach: int
) -> Budget:
    reference = int(rng.integers(len(names)))
    return Budget(names[reference], int(np.sort(rtt_ms[reference])[reach]))


def _deployment(app: str, replicas: int, units: int, budget: Budget | None) -> Object:
    labels = {f"delay_{budget.reference}": str(budget.limit_ms)} if budget else {}
    made = deployment(app, replicas=replicas, labels=labels)
    tolerations = [
        {
            "key": key,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": TOLERATION_S,
        }
        for key in _LOST
    ]
    spec = pod_spec(cpu="10m", memory=f"{units * UNIT_MIB}Mi")
    made["spec"]["template"]["spec"] = {**spec, "tolerations": tolerations}
    return made
