"""Pods that run already, in the size that pods of a real cluster have: what a cold start lists."""

from typing import Any

import msgspec

from benchmarks.live.wanted import POD_CPU, POD_MEMORY, node_name, pod_name
from tests.real.objects import pod

REPLICAS = 10
"""Pods that are alike, as a Deployment's are: the cluster has a tenth as many classes as pods."""

_SCHEDULER = "nobody"
_SINCE = "2026-11-01T08:00:00Z"
_IMAGE = "registry.example/app:1"
_HOLDS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
_TOKENS_AT = "/var/run/secrets/kubernetes.io/serviceaccount"


def runner_body(number: int, nodes: int) -> bytes:
    """Return a pod to be created on its node: the API server takes ``spec.nodeName`` as it is."""
    workload = f"app-{number // REPLICAS}"
    made = pod(
        pod_name(number),
        cpu=POD_CPU,
        memory=POD_MEMORY,
        labels={"app": workload, "pod-template-hash": f"{number // REPLICAS:08x}"},
        scheduler=_SCHEDULER,
    )
    made["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
    made["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": workload,
            "uid": f"00000000-0000-4000-8000-{number // REPLICAS:012x}",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    made["spec"] |= {"nodeName": node_name(number % nodes), "serviceAccountName": "default"}
    made["spec"]["volumes"] = [_token_volume()]
    made["spec"]["containers"][0] |= _container_fields()
    return msgspec.json.encode(made)


def status_body(number: int) -> bytes:
    """Return the change by which a kubelet says that the pod runs (JSON merge patch)."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    image = {"image": _IMAGE, "imageID": f"{_IMAGE}@sha256:{'0' * 64}"}
    container = {
        "name": "main",
        "containerID": f"containerd://{number:064x}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": _SINCE}},
    }
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": _SINCE,
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": _SINCE} for kind in _HOLDS
        ],
        "containerStatuses": [container | image],
    }
    return msgspec.json.encode({"status": status})


def _container_fields() -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    reference = {"fieldRef": {"fieldPath": "metadata.name"}}
    mount = {"name": "kube-api-access", "mountPath": _TOKENS_AT, "readOnly": True}
    return {
        "image": _IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [
            {"name": "POD_NAME", "valueFrom": reference},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "REGION", "value": "edge"},
        ],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "volumeMounts": [mount],
    }


def _token_volume() -> dict[str, Any]:
    """Return the volume that every pod of a cluster with ServiceAccounts has."""
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": authority},
    ]
    return {"name": "kube-api-access", "projected": {"sources": sources}}
