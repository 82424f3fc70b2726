"""What an API server of three nodes answers to who lists it once."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.canned_http import Canned

SERVER_LISTS = ("/api/v1/nodes", "/api/v1/pods", "/api/v1/services")


def node(name: str) -> dict[str, object]:
    """Return a ready node."""
    return {
        "metadata": {"name": name},
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(  # noqa: PLR0913 - each a field a test may be about
    name: str,
    scheduler: str,
    cpu: str,
    on: str = "",
    *,
    delay: str = "10",
    annotations: dict[str, str] | None = None,
    phase: str = "",
) -> dict[str, object]:
    """Return a pod that asks to be within `delay` ms of edge-1; empty for no delay."""
    labels = {"delay_edge-1": delay} if delay else {}
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": labels,
            "annotations": annotations or {},
        },
        "spec": {
            "schedulerName": scheduler,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}],
        }
        | ({"nodeName": on} if on else {}),
        "status": {"phase": phase or ("Running" if on else "Pending")},
    }


def answers(*pods: dict[str, object]) -> dict[str, Canned]:
    """Return what a server of three nodes answers: lists, and each pod by itself."""
    nodes = [node(name) for name in ("edge-1", "edge-2", "cloud-1")]
    items = dict(zip(SERVER_LISTS, (nodes, list(pods), []), strict=True))
    lists = {
        path: Canned(json.dumps({"metadata": {}, "items": found}).encode())
        for path, found in items.items()
    }
    alone = {
        f"/api/v1/namespaces/default/pods/{name_of(one)}": Canned(json.dumps(one).encode())
        for one in pods
    }
    return lists | alone


def name_of(pod_object: dict[str, Any]) -> str:
    """Return a pod's name."""
    return str(pod_object["metadata"]["name"])


def kubeconfig(folder: Path, server: str) -> Path:
    """Write a kubeconfig and return its path."""
    at = folder / "kubeconfig"
    named = {"name": "here"}
    at.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [named | {"cluster": {"server": server}}],
                "contexts": [named | {"context": {"cluster": "here", "user": "here"}}],
                "users": [named | {"user": {}}],
            }
        )
    )
    return at
