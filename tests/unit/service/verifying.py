"""Four nodes that agents measure, and the service over them."""

from scheduler.planning.plan import plan
from scheduler.service.settings import SchedulerConfiguration
from tests.builders import node, pod
from tests.harness import Harness
from tests.true_network import TrueNetwork

OLD_S = 300.0


def network(**rtt_ms: float) -> TrueNetwork:
    """Return nodes that are all 50 ms apart, but for ``ab=10``."""
    names = "abcd"
    truth = {(i, j): 50_000 for i in names for j in names if i != j}
    for pair, value in rtt_ms.items():
        truth[pair[0], pair[1]] = truth[pair[1], pair[0]] = round(value * 1000)
    return TrueNetwork(truth)


async def started(measured: TrueNetwork, settings: SchedulerConfiguration | None = None) -> Harness:
    harness = Harness(plan, settings, network=measured)
    for name in measured.nodes:
        harness.cluster.nodes[name] = node(name)
    return harness


async def full_a(harness: Harness) -> None:
    """Fill node a, so that a pod near it has to go elsewhere."""
    harness.put_pod(pod("filler", cpu_milli=4_000), node="a", phase="Running")
    await harness.settle(0.5)
