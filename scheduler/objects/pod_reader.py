"""Pods read one after the other: what makes their class is worked out once for all that are alike.

Replicas differ in name and uid alone, and each is read again when it changes. Decoding costs a
tenth of working out a class; so the decoded fields that make a class, packed, are looked up first.
Of a class that no pod has any more nothing is kept: each rollout makes another.
"""

from weakref import WeakKeyDictionary, WeakValueDictionary, ref

import msgspec

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.delay import ANNOTATION
from scheduler.domain.errors import InputError
from scheduler.domain.workload import IDENTITY_LABELS, PodClass
from scheduler.objects.decoding import Object
from scheduler.objects.features import unknown_volumes
from scheduler.objects.group_ref import ANNOTATIONS, read_group_ref
from scheduler.objects.metadata import namespace_of, workload_of
from scheduler.objects.pod import read_pod_changed
from scheduler.objects.pod_class import Read, pod_class_of
from scheduler.objects.requests import read_requests

_ANNOTATIONS = (ANNOTATION, *ANNOTATIONS)
"""What of a pod's annotations makes its class."""


class PodReader:
    """Reads pods of a cluster; equal classes are one object, so that comparing them is quick."""

    def __init__(self) -> None:
        self._by_fields: WeakValueDictionary[bytes, PodClass] = WeakValueDictionary()
        self._classes: WeakKeyDictionary[PodClass, ref[PodClass]] = WeakKeyDictionary()

    def __call__(self, obj: Object) -> PodChanged:
        """Return a pod with where and how it is.

        Raises
        ------
        InputError
            If it has no name, or it cannot be told what it takes of a node. All else that cannot be
            read is among the ``unsupported`` of its class.
        """
        return read_pod_changed(obj, self._class_of)

    def _class_of(self, read: Read) -> PodClass:
        try:
            fields = _fields(read)
        except (OverflowError, ValueError, TypeError):  # a number that cannot be packed, say
            return _class_of(read)
        known = self._by_fields.get(fields)
        if known is not None:
            return known
        one = self._by_fields[fields] = self._one_of(_class_of(read))
        return one

    def _one_of(self, made: PodClass) -> PodClass:
        """Return the class that all have who have an equal one."""
        known = self._classes.get(made)
        one = known() if known is not None else None
        if one is None:
            self._classes[made] = ref(made)
            return made
        return one


def _class_of(read: Read) -> PodClass:
    """Return the class of a pod; of one that cannot be read, what it takes of its node.

    A pod that runs must not vanish from the load because of a field that is new or odd; one that
    waits is not placed, and says which field it is.
    Either is a member of its group.
    """
    try:
        return pod_class_of(read)
    except InputError as error:
        odd = f"{error.where.removeprefix(f'{read.where}: ')} ({error.what})"
        return PodClass(
            namespace=namespace_of(read.metadata),
            workload=workload_of(read.metadata),
            requests=read_requests(read.where, read.spec, read.given),
            group=read_group_ref(read.metadata, read.spec.scheduling_group)[0],
            unsupported=(odd,),
        )


def _fields(read: Read) -> bytes:
    """Return all that a class is made of, packed; another order of keys is another text."""
    metadata, spec = read.metadata, read.spec
    labels, marks = metadata.labels or {}, metadata.annotations or {}
    if not IDENTITY_LABELS.isdisjoint(labels) and not _asks_by_key(read):
        labels = {key: value for key, value in labels.items() if key not in IDENTITY_LABELS}
    return _PACKER.encode(
        (
            metadata.namespace,
            labels,
            {key: marks[key] for key in _ANNOTATIONS if key in marks},
            metadata.owner_references,
            (spec.containers, spec.init_containers, spec.resources, spec.overhead, read.given),
            (spec.node_selector, spec.affinity, spec.tolerations),
            (spec.priority, spec.priority_class_name),
            (spec.topology_spread_constraints, unknown_volumes(spec.volumes or ())),
            (spec.resource_claims, spec.scheduling_group, spec.workload_ref),
            (spec.host_network, spec.host_users),
        )
    )


def _asks_by_key(read: Read) -> bool:
    """Whether a selector of the pod takes over its own values of some labels."""
    return any(one.match_label_keys for one in read.spec.topology_spread_constraints or ())


_PACKER = msgspec.msgpack.Encoder()
