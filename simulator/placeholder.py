"""A placeholder as the embedded cluster stores it."""

from scheduler.domain.placeholder import PLACEHOLDER_LABELS, Placeholder
from simulator.change import JsonObject


def placeholder_pod(placeholder: Placeholder) -> JsonObject:
    """Return the pod: on its node from the start, deleted without grace."""
    amounts = {
        name: f"{amount}m" if name == "cpu" else str(amount)
        for name, amount in placeholder.requests
    }
    container = {
        "name": "placeholder",
        "image": placeholder.image,
        "resources": {"requests": amounts},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": placeholder.namespace,
            "name": placeholder.name,
            "labels": dict(PLACEHOLDER_LABELS),
        },
        "spec": {
            "nodeName": placeholder.node,
            "schedulerName": placeholder.scheduler_name,
            "priorityClassName": placeholder.priority_class,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }
