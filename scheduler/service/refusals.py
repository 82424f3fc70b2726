"""Pods that were bound and that the kubelet does not take: races against who else binds there.

The API server checks no room when it binds; the kubelet does, and what does not fit fails. Reasons:
pkg/kubelet/lifecycle/predicate.go of Kubernetes 1.36.
"""

from scheduler.domain.cluster_events import PodChanged
from scheduler.service.pod_columns import PodRecord, PodState

_OUT_OF = "OutOf"  # OutOfcpu, OutOfpods, OutOfexample.com/gpu, …
_PREDICATES = frozenset({"NodeAffinity", "NodePorts", "TaintToleration"})


def refusal(told: PodChanged, known: PodRecord | None) -> str:
    """Return the kubelet's reason where it refuses a pod just now; otherwise nothing.

    Parameters
    ----------
    told
        What the cluster says of the pod.
    known
        What was known of it before: a pod that had failed by then was counted, or is of the past.
    """
    if known is None or known.pod.uid != told.pod.uid or known.state is PodState.FINISHED:
        return ""
    is_refusal = told.reason.startswith(_OUT_OF) or told.reason in _PREDICATES
    return told.reason if told.phase == "Failed" and is_refusal else ""
