"""Pods read one after the other: what makes their class is worked out once for all that are alike.

Replicas differ in name and uid alone, and each is read again when it changes. Decoding costs a
tenth of working out a class; so the decoded fields that make a class, packed, are looked up first.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from scheduler.domain.delay import ANNOTATION
from scheduler.domain.errors import InputError
from scheduler.domain.ports import PodChanged
from scheduler.domain.workload import PodClass
from scheduler.objects.decoding import Object
from scheduler.objects.features import PLACELESS_VOLUMES
from scheduler.objects.metadata import IDENTITY_LABELS, Metadata, namespace_of, workload_of
from scheduler.objects.pod import PodSpec, pod_class_of, read_pod_changed
from scheduler.objects.requests import read_requests

_MOST = 65_536
"""Classes kept at a time; beyond it the memo starts anew, to bound its memory."""


class PodReader:
    """Reads pods of a cluster; equal classes are one object, so that comparing them is quick."""

    def __init__(self) -> None:
        self._by_fields: dict[bytes, PodClass] = {}
        self._classes: dict[PodClass, PodClass] = {}

    def __call__(self, obj: Object) -> PodChanged:
        """Return a pod with where and how it is.

        Raises
        ------
        InputError
            If it has no name, or it cannot be told what it takes of a node. All else that cannot be
            read is among the ``unsupported`` of its class.
        """
        return read_pod_changed(obj, self._class_of)

    def _class_of(self, where: str, metadata: Metadata, spec: PodSpec) -> PodClass:
        try:
            fields = _fields(metadata, spec)
        except (OverflowError, ValueError, TypeError):  # a number that cannot be packed, say
            return _class_of(where, metadata, spec)
        known = self._by_fields.get(fields)
        if known is not None:
            return known
        if len(self._by_fields) >= _MOST:
            self._by_fields.clear()
            self._classes.clear()
        made = _class_of(where, metadata, spec)
        one = self._by_fields[fields] = self._classes.setdefault(made, made)
        return one


def _class_of(where: str, metadata: Metadata, spec: PodSpec) -> PodClass:
    """Return the class of a pod; of one that cannot be read, what it takes of its node.

    A pod that runs must not vanish from the load because of a field that is new or odd; one that
    waits is not placed, and says which field it is.
    """
    try:
        return pod_class_of(where, metadata, spec)
    except InputError as error:
        odd = f"{error.where.removeprefix(f'{where}: ')} ({error.what})"
        return PodClass(
            namespace=namespace_of(metadata),
            workload=workload_of(metadata),
            requests=read_requests(where, spec),
            unsupported=(odd,),
        )


def _fields(metadata: Metadata, spec: PodSpec) -> bytes:
    """Return all that a class is made of, packed; another order of keys is another text."""
    labels = metadata.labels or {}
    if not IDENTITY_LABELS.isdisjoint(labels):
        labels = {key: value for key, value in labels.items() if key not in IDENTITY_LABELS}
    return _PACKER.encode(
        (
            metadata.namespace,
            labels,
            [value for key, value in (metadata.annotations or {}).items() if key == ANNOTATION],
            metadata.owner_references,
            (spec.containers, spec.init_containers, spec.resources, spec.overhead),
            (spec.node_selector, spec.affinity, spec.tolerations),
            (spec.priority, spec.priority_class_name),
            (spec.topology_spread_constraints, _volumes(spec.volumes or ())),
            (spec.resource_claims, spec.scheduling_group, spec.workload_ref, spec.host_network),
        )
    )


def _volumes(volumes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the volumes that may matter; the ServiceAccount's has another name in each pod."""
    return [one for one in volumes if not one.keys() - {"name"} <= PLACELESS_VOLUMES]


_PACKER = msgspec.msgpack.Encoder()
