"""Placeholders: pods of our own that hold a node's reserve against other schedulers."""

import hashlib
from dataclasses import dataclass

from scheduler.domain.resources import Resources
from scheduler.domain.workload import Pod

PLACEHOLDER_LABELS = {
    "app.kubernetes.io/managed-by": "isochrone",
    "isochrone.dev/placeholder": "true",
}
"""What every placeholder carries; with its namespace and its scheduler's name it is known by them,
after a restart too."""

_READABLE = 63
"""Characters of the node's name at the front of the pod's: a kubelet cuts host names there."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder that there is to be.

    `requests` is what it holds, without the pod slot it takes by being there.
    """

    namespace: str
    name: str
    node: str
    requests: Resources
    image: str
    priority_class: str
    scheduler_name: str


def placeholder_name(node: str) -> str:
    """Return the name of a node's placeholder: one a node, so a second one cannot come about."""
    digest = hashlib.blake2s(node.encode(), digest_size=4).hexdigest()
    return f"{node[:_READABLE].rstrip('.-')}-{digest}"


def is_placeholder(pod: Pod, namespace: str, scheduler_name: str) -> bool:
    """Whether a pod is a placeholder of the scheduler of that name, kept in that namespace."""
    return (
        pod.namespace == namespace
        and pod.scheduler_name == scheduler_name
        and PLACEHOLDER_LABELS.items() <= dict(pod.pod_class.labels).items()
    )
