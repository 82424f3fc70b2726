"""Placeholders written to the API: created on their nodes, deleted without grace.

A placeholder is created with ``spec.nodeName`` and not bound afterwards. Other schedulers count a
pod by that field alone, so its room is held from the moment it exists; between a creation and a
Binding it would be held from nobody, and a scheduler that adopts pods without a node could take it
for work. The kubelet checks both alike when it admits them.

Its priority comes from a PriorityClass, the only way that admission leaves open. It has no owner:
an owner must be of the same namespace, or cluster-wide, and the scheduler's Lease is neither, so
the scheduler deletes what it no longer wants.
"""

from scheduler.domain.errors import PlaceholderRefused
from scheduler.domain.placeholder import PLACEHOLDER_LABELS, Placeholder
from scheduler.domain.resources import CPU, MEMORY
from scheduler.domain.workload import Pod
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient

WRITE_TIMEOUT_S = 5.0
"""A pod may wait for a deletion to be bound; an answer takes ten milliseconds."""

_NOT_FOUND = 404
_OVERCOMMITTED = frozenset({CPU, MEMORY, "ephemeral-storage"})
"""Of all others the API takes requests only together with equal limits."""

_ANNOTATIONS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
"""Without it a pod that no controller owns keeps its node from being scaled down."""

_TOLERATIONS = [
    # The first that matches a taint counts. A dead node's placeholder goes at once: without these
    # two, admission adds tolerations of 300 s; the last one would have it stay for ever.
    {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 0,
    }
    for key in ("not-ready", "unreachable")
]
_TOLERATIONS.append({"operator": "Exists", "effect": "NoExecute"})  # as pods of reserves may


def manifest(placeholder: Placeholder) -> dict[str, object]:
    """Return a placeholder as the API takes it; it passes Pod Security's ``restricted``."""
    amounts = {
        name: f"{amount}m" if name == CPU else str(amount) for name, amount in placeholder.requests
    }
    limits = {name: said for name, said in amounts.items() if name not in _OVERCOMMITTED}
    container = {
        "name": "placeholder",
        "image": placeholder.image,
        "resources": {"requests": amounts, "limits": limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": placeholder.namespace,
            "name": placeholder.name,
            "labels": PLACEHOLDER_LABELS,
            "annotations": _ANNOTATIONS,
        },
        "spec": {
            "nodeName": placeholder.node,
            "schedulerName": placeholder.scheduler_name,
            "priorityClassName": placeholder.priority_class,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65535,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "tolerations": _TOLERATIONS,
            "containers": [container],
        },
    }


async def create(client: KubeClient, placeholder: Placeholder) -> None:
    """Create a placeholder.

    Raises
    ------
    PlaceholderRefused
        If it is not created: one of that name is there, its namespace or PriorityClass is not, or
        the right is missing.
    ClusterUnavailable
        If there is no answer: it may be there.
    """
    path = f"/api/v1/namespaces/{placeholder.namespace}/pods"
    try:
        await client.send("POST", path, manifest(placeholder), answer_timeout_s=WRITE_TIMEOUT_S)
    except PutOff as error:
        raise PlaceholderRefused(str(error)) from None
    except Denied as error:
        raise PlaceholderRefused(error.said) from None


async def delete(client: KubeClient, pod: Pod) -> None:
    """Delete a placeholder at once; nothing is done where it is gone.

    Raises
    ------
    PlaceholderRefused
        If it stays: a later one has its name, or the right is missing.
    ClusterUnavailable
        If there is no answer: it may be gone.
    """
    body: dict[str, object] = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}
    if not pod.uid:
        del body["preconditions"]
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    try:
        await client.send("DELETE", path, body, answer_timeout_s=WRITE_TIMEOUT_S)
    except PutOff as error:
        raise PlaceholderRefused(str(error)) from None
    except Denied as error:
        if error.status != _NOT_FOUND:
            raise PlaceholderRefused(error.said) from None
