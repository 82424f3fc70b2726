"""Pods: the one to be judged, and those that are there already."""

from collections.abc import Sequence
from typing import Any

from tests.parity.parts.amounts import larger_or_smaller, overhead, pod_resources, with_defaults
from tests.parity.parts.between import merged, pod_affinity, spread
from tests.parity.parts.claims import Claims
from tests.parity.parts.containers import containers, resized_status
from tests.parity.parts.nodechoice import node_affinity, node_selector, tolerations
from tests.parity.parts.scene import NAMESPACES, REGION, ZONE, Object, Scene, without_none
from tests.parity.parts.selectors import pod_labels
from tests.parity.parts.volumes import volumes

_MOMENT = "2026-01-31T12:00:00Z"


def incoming_pod(
    scene: Scene, nodes: Sequence[str], claims: Claims, name: str = "incoming"
) -> Object:
    """Return a pod that no node has yet, as it was written or as an API server serves it."""
    choices = scene.choices
    pod = _pod(scene, name, claims, affinity_percent=60)
    affinity: Object = without_none({"nodeAffinity": node_affinity(scene, nodes)})
    affinity |= pod["spec"].get("affinity", {})
    given: dict[str, Any] = {
        "nodeSelector": node_selector(scene),
        "affinity": affinity or None,
        "tolerations": tolerations(scene),
        "topologySpreadConstraints": spread(scene, pod["metadata"]["labels"]),
    }
    pod["spec"] |= without_none(given)
    if choices.happens(50):
        served(pod)
    return pod


def placed_pod(scene: Scene, number: int, node: Object, claims: Claims) -> Object:
    """Return a pod that is bound to a node: running, or on its way out, or finished."""
    choices = scene.choices
    pod = _pod(scene, f"p{number}", claims, affinity_percent=30)
    served(pod)
    pod["spec"]["nodeName"] = node["metadata"]["name"] if not scene.likely("states", 5) else "gone"
    if scene.copies_zones:
        labels = node["metadata"]["labels"]
        copied = {key: labels[key] for key in (ZONE, REGION) if key in labels}
        pod["metadata"]["labels"] = copied | pod["metadata"]["labels"]
    pod["status"] = {"phase": "Running"}
    if scene.likely("resources", 25):
        pod["status"] |= resized_status(choices, pod["spec"])
        _resize_pod(scene, pod)
    _age(scene, pod)
    return pod


def served(pod: Object) -> None:
    """Make a pod what the API server makes of it when it is created; the time says that it did."""
    merged(pod)
    with_defaults(pod["spec"])
    pod["metadata"]["creationTimestamp"] = _MOMENT


def _pod(scene: Scene, name: str, claims: Claims, *, affinity_percent: int) -> Object:
    choices = scene.choices
    namespace = "default" if choices.happens(65) else choices.one_of(NAMESPACES)
    uid = f"uid-{name}"
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "labels": pod_labels(choices),
    }
    pod: Object = {"metadata": metadata, "spec": {}}
    host_network = scene.likely("ports", 15)
    has_own_resources = scene.likely("resources", 15)
    pod["spec"] = containers(scene, host_network=host_network, small=has_own_resources)
    optional = {
        "hostNetwork": host_network or None,
        "resources": (pod_resources(scene) or None) if has_own_resources else None,
        "overhead": overhead(choices) if scene.likely("resources", 12) else None,
        "affinity": pod_affinity(scene, metadata["labels"], percent=affinity_percent) or None,
        "volumes": volumes(scene, claims, pod),
    }
    pod["spec"] |= without_none(optional)
    return pod


def _resize_pod(scene: Scene, pod: Object) -> None:
    """Let the pod as a whole be resized too, if it says what it needs."""
    requests = pod["spec"].get("resources", {}).get("requests")
    if requests and scene.choices.happens(60):
        pod["status"]["resources"] = {"requests": larger_or_smaller(scene.choices, requests)}
        pod["status"]["allocatedResources"] = larger_or_smaller(scene.choices, requests)


def _age(scene: Scene, pod: Object) -> None:
    """Let a pod be on its way out, or over."""
    choices = scene.choices
    if scene.likely("states", 20) or choices.happens(4):
        pod["metadata"] |= {"deletionTimestamp": _MOMENT, "deletionGracePeriodSeconds": 30}
    if scene.likely("states", 15) or choices.happens(2):
        pod["status"]["phase"] = choices.one_of(("Succeeded", "Failed"))
