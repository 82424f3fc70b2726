"""The objects of the benchmark: nodes in three zones, plain pods, bindings; encoded once."""

import msgspec

from tests.real.objects import node, pod

NODE_CPU, NODE_MEMORY = "32", "64Gi"
POD_CPU, POD_MEMORY = "100m", "500Mi"
ZONES = 3
PODS_NAMESPACE, PRESET_NAMESPACE = "bench", "preset"


def node_name(number: int) -> str:
    """Return the name of a node."""
    return f"node-{number}"


def pod_name(number: int) -> str:
    """Return the name of a pod."""
    return f"pod-{number}"


def pods_path(namespace: str) -> str:
    """Return the path of a namespace's pods."""
    return f"/api/v1/namespaces/{namespace}/pods"


def node_body(number: int) -> bytes:
    """Return a node to be created: 32 CPUs, 64 GiB, 110 pods, in one of three zones."""
    zone = {"topology.kubernetes.io/zone": f"zone-{number % ZONES}"}
    return msgspec.json.encode(
        node(node_name(number), cpu=NODE_CPU, memory=NODE_MEMORY, labels=zone)
    )


def pod_body(number: int, scheduler: str) -> bytes:
    """Return a pod to be created for a scheduler."""
    return msgspec.json.encode(
        pod(pod_name(number), cpu=POD_CPU, memory=POD_MEMORY, scheduler=scheduler)
    )


def binding_body(number: int, nodes: int) -> bytes:
    """Return the binding of a pod to the node that is its turn."""
    return msgspec.json.encode(
        {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod_name(number)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node_name(number % nodes)},
        }
    )
