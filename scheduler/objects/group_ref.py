"""Which pod group a pod says it is of: by a label, by an annotation, or in its spec.

* ``scheduling.x-k8s.io/pod-group`` (label): Coscheduling of scheduler-plugins.
* ``scheduling.k8s.io/group-name`` (annotation, from kube-batch) and
  ``scheduling.volcano.sh/group-name``: Volcano reads both, and its Jobs write both.
* ``spec.schedulingGroup.podGroupName``: Kubernetes 1.36.
* ``pod-group.scheduling.sigs.k8s.io/name``, or without ``/name``, with ``…/min-available``
  (labels): Coscheduling before it had an object.

What cannot be read is said in words and never ignored: a pod of half a group is of no use.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.objects.decoding import shorten
from scheduler.objects.metadata import Metadata, namespace_of

ANNOTATIONS = ("scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-name")
"""Annotations that name a group of Volcano's."""

LEAST_LABEL = "pod-group.scheduling.sigs.k8s.io/min-available"
"""How many pods a group without an object wants."""

_LABELS = {
    "scheduling.x-k8s.io/pod-group": GroupApi.COSCHEDULING,
    "pod-group.scheduling.sigs.k8s.io/name": GroupApi.LABELS,
    "pod-group.scheduling.sigs.k8s.io": GroupApi.LABELS,
}
_SPEC = "spec.schedulingGroup"
_COUNT = re.compile(r"[0-9]{1,9}")
_COUNT_FIX = 'a positive whole number, for example "3"'


@dataclass(frozen=True, slots=True)
class _Named:
    """A group as it is named once; `by` says where, for people."""

    by: str
    api: GroupApi
    name: str


@dataclass(frozen=True, slots=True)
class _Unclear:
    """Why it is not known which group is meant; reads on with "is not supported"."""

    what: str


def read_group_ref(
    metadata: Metadata, scheduling_group: object
) -> tuple[GroupRef | None, tuple[str, ...]]:
    """Return the group a pod is of, and why that is not known.

    Parameters
    ----------
    metadata
        Of the pod; values of labels and annotations may be of any type.
    scheduling_group
        Its ``spec.schedulingGroup``, as written.

    Returns
    -------
    tuple
        None where the pod names no group, or where there is anything in the second part: phrases
        that read on with "is not supported", as `PodClass.unsupported` has them.
    """
    found = [*_found(metadata, scheduling_group)]
    unclear = tuple(one.what for one in found if isinstance(one, _Unclear))
    named = [one for one in found if isinstance(one, _Named)]
    if unclear or not named:
        return None, unclear
    first = named[0]
    if any((one.api, one.name) != (first.api, first.name) for one in named):
        listed = ", ".join(f'{one.by}: "{shorten(one.name)}"' for one in named)
        return None, (f"membership in more than one pod group ({listed}; name one)",)
    least = _least(metadata.labels or {}, first)
    if isinstance(least, _Unclear):
        return None, (least.what,)
    return GroupRef(first.api, namespace_of(metadata), first.name, least), ()


def _found(metadata: Metadata, scheduling_group: object) -> Iterator[_Named | _Unclear]:
    """Yield all by which a pod names a group; an empty name names none, as the APIs have it."""
    labels, annotations = metadata.labels or {}, metadata.annotations or {}
    for key, api in _LABELS.items():
        if key in labels:
            yield from _name(f"label {key}", api, labels[key])
    for key in ANNOTATIONS:
        if key in annotations:
            yield from _name(f"annotation {key}", GroupApi.VOLCANO, annotations[key])
    if scheduling_group is not None:
        yield _in_spec(scheduling_group)


def _name(by: str, api: GroupApi, value: object) -> Iterator[_Named | _Unclear]:
    text = _text(value)
    if text is None:
        yield _Unclear(f"a pod group named {shorten(value)} ({by}; write its name as text)")
    elif text:
        yield _Named(by, api, text)


def _in_spec(written: object) -> _Named | _Unclear:
    name = written.get("podGroupName") if isinstance(written, dict) else None
    if not isinstance(name, str) or not name:
        said = f"{_SPEC}: {shorten(written)}"
        return _Unclear(f"a scheduling group without a name ({said}; write podGroupName)")
    return _Named(f"{_SPEC}.podGroupName", GroupApi.NATIVE, name)


def _least(labels: Mapping[str, object], named: _Named) -> int | _Unclear:
    """Return how many pods a group without an object wants; 0 where its object says so."""
    if named.api is not GroupApi.LABELS:
        return 0
    written = labels.get(LEAST_LABEL)
    if written is None:
        return _Unclear(
            f"a pod group without a number of pods ({named.by}: "
            f'"{shorten(named.name)}"; add the label {LEAST_LABEL}, {_COUNT_FIX})'
        )
    text = _text(written) or ""
    if _COUNT.fullmatch(text) is None or int(text) == 0:
        return _Unclear(
            f'a pod group of "{shorten(written)}" pods (label {LEAST_LABEL}; write {_COUNT_FIX})'
        )
    return int(text)


def _text(value: object) -> str | None:
    """Return a value as labels are read: a bare number as its text, a null as the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)
