"""The objects of the benchmark: nodes in three zones, a priority, bindings; names and sizes."""

import msgspec

from tests.real.api import Object
from tests.real.objects import node

NODE_CPU, NODE_MEMORY = "32", "64Gi"
POD_CPU, POD_MEMORY = "100m", "500Mi"
HUGE_CPU = "64"
"""More than any node has."""
ZONES = 3
PODS_NAMESPACE, PRESET_NAMESPACE, NEVER_NAMESPACE = "bench", "preset", "never"
NAMESPACES = (PODS_NAMESPACE, PRESET_NAMESPACE, NEVER_NAMESPACE)
PRIORITY_CLASS = "before-others"


def node_name(number: int) -> str:
    """Return the name of a node."""
    return f"node-{number}"


def pod_name(number: int) -> str:
    """Return the name of a pod."""
    return f"pod-{number}"


def pods_path(namespace: str) -> str:
    """Return the path of a namespace's pods."""
    return f"/api/v1/namespaces/{namespace}/pods"


def events_path(namespace: str) -> str:
    """Return the path of a namespace's events."""
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"


def node_body(number: int) -> bytes:
    """Return a node to be created: 32 CPUs, 64 GiB, 110 pods, in one of three zones."""
    zone = {"topology.kubernetes.io/zone": f"zone-{number % ZONES}"}
    return msgspec.json.encode(
        node(node_name(number), cpu=NODE_CPU, memory=NODE_MEMORY, labels=zone)
    )


def binding_body(number: int, node_number: int) -> bytes:
    """Return the binding of a pod to a node."""
    return msgspec.json.encode(
        {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod_name(number)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node_name(node_number)},
        }
    )


def priority_class() -> Object:
    """Return the priority of pods that fit nowhere: a queue by priority tries them first."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": PRIORITY_CLASS},
        "value": 10,
    }
