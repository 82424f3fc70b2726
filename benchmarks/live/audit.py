"""What must hold after a run, by a list of what is there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from tests.real.api import Object

RESOURCES = ("cpu", "memory")


def faults(
    nodes: Iterable[Object], pods: Sequence[Object], asked: int, namespace: str
) -> list[str]:
    """Return what is wrong, a sentence each; nothing where all is right.

    Parameters
    ----------
    nodes, pods
        All of the cluster.
    asked
        How many pods of `namespace` were to be bound.
    namespace
        Whose pods were measured.
    """
    rooms = {node["metadata"]["name"]: node["status"]["allocatable"] for node in nodes}
    bound = [pod for pod in pods if pod["spec"].get("nodeName")]
    measured = [pod for pod in bound if pod["metadata"]["namespace"] == namespace]
    found = []
    if len(measured) != asked:
        found.append(f"{asked} pods were asked for and {len(measured)} are bound")
    unknown = {pod["spec"]["nodeName"] for pod in bound} - rooms.keys()
    found += [f"{name} is no node and has pods" for name in sorted(unknown)]
    for name, used in sorted(_used(bound).items()):
        found += [
            f"{name} has {rooms[name][resource]} of {resource}, and {amount} is asked of it"
            for resource, amount in used.items()
            if name in rooms and amount > parse_quantity(rooms[name][resource])
        ]
    return found


def _used(bound: Iterable[Object]) -> dict[str, dict[str, Decimal]]:
    """Return how much of each resource is asked of each node."""
    used: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for pod in bound:
        on_node = used[pod["spec"]["nodeName"]]
        on_node["pods"] += 1
        for container in pod["spec"]["containers"]:
            for resource in RESOURCES:
                on_node[resource] += parse_quantity(container["resources"]["requests"][resource])
    return used


def events_a_pod(events: Iterable[Object], namespace: str) -> dict[str, int]:
    """Return how many pods have how many events of each reason: ``{"Scheduled x1": 2500}``."""
    counts = Counter(
        (event["regarding"]["name"], event["reason"])
        for event in events
        if event["regarding"].get("namespace") == namespace
    )
    said = Counter(f"{reason} x{number}" for (_, reason), number in counts.items())
    return dict(sorted(said.items()))
