"""Pods that cannot be decided on, for what they rest on may not be listed.

Nothing is known of a kind that may not be listed, and what is not known is never assumed. All other
pods go on.
"""

from collections.abc import Iterable, Mapping

from scheduler.domain.pod_group import GroupApi
from scheduler.domain.workload import Pod, PodClass
from scheduler.objects.pod_group import resource_of

_NAMESPACES = "namespaces"
_GROUPS = {api: resource_of(api) for api in GroupApi}
_NOT_STORAGE = frozenset({_NAMESPACES, *_GROUPS.values()})


def undecidable(
    pods: Iterable[Pod], placed: Iterable[PodClass], unlisted: Mapping[str, str]
) -> dict[str, str]:
    """Return why pods cannot be decided on, by their keys; the others are left out.

    Parameters
    ----------
    pods
        To be decided on.
    placed
        Classes of the pods that are placed: they may keep others away.
    unlisted
        Kinds that may not be listed, and why.
    """
    if not unlisted:
        return {}
    storage = next((said(k, why) for k, why in unlisted.items() if k not in _NOT_STORAGE), "")
    namespaces = ""
    if _NAMESPACES in unlisted:
        namespaces = said(_NAMESPACES, unlisted[_NAMESPACES])
    is_kept_away = bool(namespaces) and any(_keeps_away_by_labels(c) for c in placed)
    out: dict[str, str] = {}
    for pod in pods:
        groups = _GROUPS[group.api] if (group := pod.pod_class.group) is not None else ""
        if groups in unlisted:
            out[pod.key] = said(groups, unlisted[groups])
        elif storage and pod.volumes:
            out[pod.key] = storage
        elif namespaces and (is_kept_away or _asks_by_labels(pod.pod_class)):
            out[pod.key] = namespaces
    return out


def said(plural: str, why: str) -> str:
    """Return the sentence for a kind that may not be listed."""
    return f"{plural} cannot be listed, so that it is not known where the pod may run: {why}"


def _keeps_away_by_labels(pod_class: PodClass) -> bool:
    """Whether pods of a class keep others away by the labels of namespaces."""
    return any(t.namespace_selector is not None for t in pod_class.pod_anti_affinity)


def _asks_by_labels(pod_class: PodClass) -> bool:
    """Whether a rule of a class asks for labels of namespaces; of wishes nothing depends."""
    terms = (*pod_class.pod_affinity, *pod_class.pod_anti_affinity)
    return any(t.namespace_selector is not None for t in terms)
