"""Whether nodes ever ran more than they have room for, by the history of their pods."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from tests.real.api import Object
from tests.real.history import Change

_RESOURCES = ("cpu", "memory")


def overfull(nodes: Iterable[Object], changes: Sequence[Change]) -> list[str]:
    """Return where and when more ran than there was room for, a sentence each.

    Parameters
    ----------
    nodes
        All that pods ran on.
    changes
        Of pods, from the first on.
    """
    room = {node["metadata"]["name"]: node["status"]["allocatable"] for node in nodes}
    running: dict[str, dict[str, Object]] = defaultdict(dict)
    found = []
    for change in changes:
        here = running[change.node]
        if change.is_over:
            here.pop(change.uid, None)
        elif change.pod["status"]["phase"] == "Running":
            here[change.uid] = change.pod
            found += [
                f"{change.node} at {change.version}: {used} of {resource} is used"
                for resource, used in _used(here.values()).items()
                if used > parse_quantity(room[change.node][resource])
            ]
    return found


def _used(pods: Iterable[Object]) -> dict[str, Decimal]:
    used: dict[str, Decimal] = defaultdict(Decimal)
    for pod in pods:
        used["pods"] += 1
        for container in pod["spec"]["containers"]:
            for resource in _RESOURCES:
                used[resource] += parse_quantity(container["resources"]["requests"][resource])
    return used
