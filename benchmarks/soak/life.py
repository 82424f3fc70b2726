"""What happens in the cluster of a soak, for as long as it lasts: people, failures, the network.

Everything comes again and again, so that what it leaves behind would pile up. Intervals have no
common multiple within hours: things meet in ever new ways.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count, cycle
from random import Random

from benchmarks.soak.relay import Relay
from simulator.change import JsonObject, ObjectKey, Refused, key_of
from simulator.command import Command, Create, Delete, FailNodes, Patch, ReturnNodes
from simulator.running import RunningWorld
from tests.faults.agents import Agents, Telemetry
from tests.simulated import deployment_object, node_object, pod_object

ANCHORS, NODES, DEPLOYMENTS, REPLICAS = 4, 20, 8, 8
"""Anchors are nodes that stay: delays are measured from them."""

REPORT_S = 5.0
_ROLL_S, _DELETE_S, _FAIL_S, _REPLACE_S = 61.0, 7.0, 113.0, 43.0
_MISFIT_S, _CUT_S = 37.0, 97.0
_FAILED_S, _MISFIT_FOR_S = 67.0, 83.0
_OUTAGES_S = (0.0, 1.0, 20.0)
"""In turn, not by chance: in any six minutes there is a moment at which nothing is connected."""

_PULL = 0.1
"""How far a pair that drifts comes back to its RTT on a calm day, as a share of the difference of
their logarithms. Without it RTTs rise for hours, and more budgets break each hour."""

_BUDGETS_MS = ("15", "30", "60")


class Life:
    """Everything that goes on in a cluster.

    Parameters
    ----------
    world, relay, agents
        What it goes on in; the world has the nodes of `first_nodes`.
    rng
        Of who is hit.

    Attributes
    ----------
    happened
        How often each thing has happened.
    """

    def __init__(self, world: RunningWorld, relay: Relay, agents: Agents, rng: Random) -> None:
        self._world, self._relay, self._agents, self._rng = world, relay, agents, rng
        self._calm_us = dict(agents.truth_us)
        self._numbers, self._outages_s = count(NODES), cycle(_OUTAGES_S)
        self.desks: list[Telemetry] = []
        self.happened: dict[str, int] = {}

    async def go_on(self) -> None:
        """Go on until cancelled."""
        for number in range(DEPLOYMENTS):
            self._do(Create(_workload(number)))
        async with asyncio.TaskGroup() as group:
            for every_s, what in (
                (_ROLL_S, self._roll),
                (_DELETE_S, self._delete_a_pod),
                (_FAIL_S, self._fail_a_node),
                (_REPLACE_S, self._replace_a_node),
                (_MISFIT_S, self._misfit),
                (_CUT_S, self._cut),
                (REPORT_S, self._report),
            ):
                group.create_task(self._again(every_s, what))

    async def _again(self, every_s: float, what: Callable[[], Awaitable[None]]) -> None:
        name = what.__name__.strip("_").replace("_", " ")
        while True:
            await asyncio.sleep(every_s)
            await what()
            self.happened[name] = self.happened.get(name, 0) + 1

    async def _roll(self) -> None:
        """Give the pods of a Deployment a new template."""
        name = f"w{self._rng.randrange(DEPLOYMENTS)}"
        mark = {"rolled-at": f"{self._world.now_s():.0f}"}
        template = {"template": {"metadata": {"annotations": mark}}}
        self._do(Patch(ObjectKey("Deployment", "default", name), {"spec": template}))

    async def _delete_a_pod(self) -> None:
        pods = self._world.cluster.all_of("Pod")
        if pods:
            self._do(Delete(key_of(self._rng.choice(pods))))

    async def _fail_a_node(self) -> None:
        """Have a node and its agent fall silent for a minute."""
        name = self._some_node()
        self._agents.silent.add(name)
        self._do(FailNodes((name,)))
        await asyncio.sleep(_FAILED_S)
        self._agents.silent.discard(name)
        self._do(ReturnNodes((name,)))

    async def _replace_a_node(self) -> None:
        """Take a node away, and have another one, of a name never seen, in its place."""
        old, new = self._some_node(), f"n{next(self._numbers)}"
        self._do(Delete(ObjectKey("Node", "", old)))
        self._do(Create(node_object(new)))
        for rtt_us in (self._agents.truth_us, self._calm_us):
            for pair in [pair for pair in rtt_us if old in pair]:
                one, other = (new if name == old else name for name in pair)
                rtt_us[one, other] = rtt_us.pop(pair)
        for desk in self.desks:
            desk.store.know(self._agents.nodes)

    async def _misfit(self) -> None:
        """Have a pod wait that fits nowhere, one that refers to nothing, and take both away."""
        number = self.happened.get("misfit", 0)
        large, lost = f"large-{number}", f"lost-{number}"
        refers = pod_object(lost, cpu="100m")
        refers["metadata"]["labels"] = {f"delay_never-seen-{number}": "10"}
        self._do(Create(pod_object(large, cpu="64")), Create(refers))
        await asyncio.sleep(_MISFIT_FOR_S)
        for name in (large, lost):
            self._do(Delete(ObjectKey("Pod", "default", name)))

    async def _cut(self) -> None:
        """Break every connection to the API server, and keep it away for a while."""
        self._relay.is_down = True
        self._relay.cut()
        await asyncio.sleep(next(self._outages_s))
        self._relay.is_down = False

    async def _report(self) -> None:
        """Have every agent report, of a network that drifts: a new table of RTTs."""
        truth = self._agents.truth_us
        for pair in self._rng.sample(sorted(p for p in truth if p[0] < p[1]), 10):
            rtt_us = drifted(truth[pair], self._calm_us[pair], self._rng)
            truth[pair] = truth[pair[::-1]] = rtt_us
        for node in self._agents.nodes:
            for desk in self.desks if node not in self._agents.silent else ():
                desk.feed.take(self._agents.row(node), whole=False)

    def _some_node(self) -> str:
        anchors = anchor_names()
        return self._rng.choice([name for name in self._agents.nodes if name not in anchors])

    def _do(self, *commands: Command) -> None:
        for command in commands:
            with suppress(Refused):  # who was to be hit has gone before
                self._world.execute(command)


def drifted(rtt_us: int, calm_us: int, rng: Random) -> int:
    """Return what the RTT of a pair is next, microseconds: near what it was, and never far off.

    Parameters
    ----------
    rtt_us, calm_us
        What it is now, and on a calm day, microseconds.
    rng
        Of how it drifts.
    """
    pulled_us: float = rtt_us * (calm_us / rtt_us) ** _PULL
    return min(max(round(pulled_us * rng.uniform(0.8, 1.25)), 200), 60_000)


def anchor_names() -> tuple[str, ...]:
    """Return the names of the nodes that stay."""
    return tuple(f"n{number}" for number in range(ANCHORS))


def first_nodes() -> list[JsonObject]:
    """Return the nodes that are there from the beginning."""
    return [node_object(f"n{number}") for number in range(NODES)]


def _workload(number: int) -> JsonObject:
    """Return a Deployment; three in four ask for a delay, to a node or to another Deployment."""
    made = deployment_object(f"w{number}", REPLICAS, cpu="300m")
    reference = {0: "", 1: "n1", 2: "n2", 3: "w0"}[number % 4]
    if reference:
        budget_ms = _BUDGETS_MS[number % len(_BUDGETS_MS)]
        made["spec"]["template"]["metadata"]["labels"][f"delay_{reference}"] = budget_ms
    return made
