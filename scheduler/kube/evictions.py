"""Evictions: a pod is deleted if the disruption budgets of its workload allow it.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/: 201 the pod is on its way
out, 429 a PodDisruptionBudget does not allow it now, 500 several budgets claim the pod.
"""

from scheduler.domain.errors import ClusterUnavailable, EvictionRefused
from scheduler.domain.workload import Pod
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient

EVICT_TIMEOUT_S = 15.0

_SEVERAL_BUDGETS = "more than one PodDisruptionBudget"


async def evict(client: KubeClient, pod: Pod) -> None:
    """Evict a pod; a later one of its name is left alone.

    Raises
    ------
    EvictionRefused
        If it is not evicted: a budget does not allow it, it is gone, or the right is missing.
    ClusterUnavailable
        If there is no answer: it may be evicted.
    """
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": pod.namespace, "name": pod.name},
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    }
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/eviction"
    try:
        await client.send("POST", path, body, answer_timeout_s=EVICT_TIMEOUT_S)
    except PutOff as error:
        raise EvictionRefused(str(error).partition(": ")[2], error.retry_s) from None
    except Denied as error:
        raise EvictionRefused(error.said) from None
    except ClusterUnavailable as error:
        if _SEVERAL_BUDGETS in str(error):
            raise EvictionRefused("more than one PodDisruptionBudget selects it") from None
        raise
