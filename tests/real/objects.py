"""Nodes, pods and workloads as the API takes them, with defaults that fit together."""

from collections.abc import Mapping
from typing import Any

from tests.real.api import Object

OURS = "custom-scheduler"
_NOTHING: Mapping[str, str] = {}


def node(
    name: str, *, cpu: str = "4", memory: str = "16Gi", labels: Mapping[str, str] = _NOTHING
) -> Object:
    """Return a ready node.

    The API server takes the status of a new node as it is: kubelets register with theirs.
    """
    room = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
    said = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "harness"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [said],
            "addresses": [{"type": "Hostname", "address": name}],
        },
    }


def pod(
    name: str,
    *,
    cpu: str = "100m",
    memory: str = "64Mi",
    labels: Mapping[str, str] = _NOTHING,
    scheduler: str = OURS,
) -> Object:
    """Return a pod with one container."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": pod_spec(cpu=cpu, memory=memory, scheduler=scheduler),
    }


def deployment(
    name: str, *, replicas: int, cpu: str = "100m", labels: Mapping[str, str] = _NOTHING
) -> Object:
    """Return a Deployment for our scheduler; its pods have `labels`, and app=`name`."""
    selector = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": {**labels, **selector}}, "spec": pod_spec(cpu=cpu)},
        },
    }


def pod_spec(*, cpu: str = "100m", memory: str = "64Mi", scheduler: str = OURS) -> dict[str, Any]:
    """Return a pod's spec with one container. Nobody pulls its image: there are no kubelets."""
    requests = {"cpu": cpu, "memory": memory}
    container = {"name": "main", "image": "none", "resources": {"requests": requests}}
    return {"schedulerName": scheduler, "containers": [container]}
