"""What happens in an episode of kills, drawn from its seed: nodes, Deployments, errands.

Everything fits: at most `_LOAD` of the CPU is asked for, all errands included, so that a pod that
waits is one that can never be placed, or one that was lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import PLANETLAB, planetlab_ms
from tests.faults.chance import chance
from tests.real.api import Object
from tests.real.edge_load import Budget
from tests.real.objects import deployment, node

BURST = "burst"
"""The app of the burst of pods."""
BURST_PODS = 50
_LOAD = 0.55
_WITH_BUDGET = 0.75
_TOO_MUCH = "64"
"""CPU that no node has."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that people do once so many pods were bound: a Deployment made, scaled, deleted.

    `replicas` is 0 where it is deleted.
    """

    after: int
    app: str
    replicas: int


@dataclass(frozen=True, slots=True)
class KillLoad:
    """An episode's cluster and its people.

    Parameters
    ----------
    nodes, deployments
        As the API takes them; the deployments that are there from the beginning.
    names
        Of the nodes.
    rtt_us
        Shape ``(n, n)``, in the order of `names`.
    burst
        The Deployment that an errand makes.
    errands
        In their order.
    replicas
        What there is to be in the end, by the name of the Deployment.
    hopeless
        Deployments whose pods have no place.
    bindings
        So many there are in any case.
    """

    nodes: Sequence[Object]
    deployments: Sequence[Object]
    names: Sequence[str]
    rtt_us: NDArray[np.int32]
    burst: Object
    errands: Sequence[Errand]
    replicas: Mapping[str, int]
    hopeless: frozenset[str]
    bindings: int


@dataclass(frozen=True, slots=True)
class _App:
    name: str
    replicas: int
    cpu_milli: int
    budget: Budget | None

    def manifest(self) -> Object:
        labels = (
            {f"delay_{self.budget.reference}": str(self.budget.limit_ms)} if self.budget else {}
        )
        return _gone_at_once(
            deployment(self.name, replicas=self.replicas, cpu=f"{self.cpu_milli}m", labels=labels)
        )


def kill_load(seed: int) -> KillLoad:
    """Return the cluster of a seed."""
    rng = chance("kill load", seed)
    count = rng.randint(8, 12)
    names = [f"edge-{number:02d}" for number in range(count)]
    rtt_ms = planetlab_ms(PLANETLAB, count, np.random.default_rng(seed))
    apps = [
        _App(
            f"app-{number}",
            rng.randint(2, 7),
            rng.choice((100, 200, 300)),
            _budget(rng, names, rtt_ms),
        )
        for number in range(rng.randint(6, 9))
    ]
    burst = _App(BURST, BURST_PODS, 50, _budget(rng, names, rtt_ms))
    errands = _errands(rng, apps)
    ends = {app.name: app.replicas for app in (*apps, burst)}
    ends.update({errand.app: errand.replicas for errand in errands})
    most = {app.name: max(app.replicas, ends[app.name]) for app in (*apps, burst)}
    asked_milli = sum(most[app.name] * app.cpu_milli for app in (*apps, burst))
    hopeless = _hopeless(rng)
    return KillLoad(
        nodes=_nodes(rng, names, asked_milli),
        deployments=[*(app.manifest() for app in apps), *hopeless],
        names=names,
        rtt_us=(rtt_ms * 1000).astype(np.int32),
        burst=burst.manifest(),
        errands=errands,
        replicas={
            **{name: replicas for name, replicas in ends.items() if replicas},
            **{one["metadata"]["name"]: one["spec"]["replicas"] for one in hopeless},
        },
        hopeless=frozenset(one["metadata"]["name"] for one in hopeless),
        bindings=_sure(apps, errands) + BURST_PODS,
    )


def _budget(rng: Random, names: Sequence[str], rtt_ms: NDArray[np.int64]) -> Budget | None:
    """Return a budget that a third of the nodes meet, or more; or none."""
    if rng.random() > _WITH_BUDGET:
        return None
    reference = rng.randrange(len(names))
    reach = rng.randint(len(names) // 3, len(names) - 1)
    return Budget(names[reference], max(1, int(np.sort(rtt_ms[reference])[reach])))


def _errands(rng: Random, apps: Sequence[_App]) -> list[Errand]:
    """Return one Deployment deleted, one scaled down, two scaled up, and the burst made.

    Each waits for no more bindings than there are in any case.
    """
    gone, less, more, most = rng.sample(apps, 4)
    drawn = [
        Errand(0, gone.name, 0),
        Errand(0, less.name, rng.randint(1, less.replicas - 1)),
        Errand(0, more.name, more.replicas + rng.randint(1, 4)),
        Errand(0, most.name, most.replicas + rng.randint(1, 4)),
    ]
    sure = _sure(apps, drawn)
    burst = Errand(rng.randint(0, sure), BURST, BURST_PODS)
    timed = [
        Errand(rng.randint(0, sure if rng.random() < 0.5 else burst.after), one.app, one.replicas)
        for one in drawn
    ]
    return sorted([*timed, burst], key=lambda errand: errand.after)


def _sure(apps: Sequence[_App], errands: Sequence[Errand]) -> int:
    """Return how many pods are bound whatever comes first: those nobody takes away."""
    ends = {errand.app: errand.replicas for errand in errands}
    return sum(min(app.replicas, ends.get(app.name, app.replicas)) for app in apps)


def _nodes(rng: Random, names: Sequence[str], asked_milli: int) -> list[Object]:
    share = [rng.uniform(0.7, 1.3) for _ in names]
    return [
        node(name, cpu=f"{round(of / sum(share) * asked_milli / _LOAD)}m")
        for name, of in zip(names, share, strict=True)
    ]


def _hopeless(rng: Random) -> list[Object]:
    """Return Deployments that find no place: too large, or near to nothing that there is."""
    large = deployment("large", replicas=rng.randint(1, 2), cpu=_TOO_MUCH)
    lonely = deployment("lonely", replicas=rng.randint(1, 2), labels={"delay_nowhere": "10"})
    return [_gone_at_once(large), _gone_at_once(lonely)]


def _gone_at_once(made: Object) -> Object:
    """Have its pods go without a grace period: there is no kubelet that would confirm their end."""
    made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    return made
