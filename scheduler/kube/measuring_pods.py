"""Pods that measure, agents or exporters, picked out by their labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from telemetry.ports import MeasuringPod


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods of one namespace, or of all where it is empty, that have all of `labels`.

    Parameters
    ----------
    labels
        At least one, with a value that is not empty.
    namespace
        Of the pods.

    Raises
    ------
    ValueError
        If no label is named, or one has no value.
    """

    labels: Mapping[str, str]
    namespace: str = ""

    def __post_init__(self) -> None:
        if not self.labels or not all(self.labels.values()):
            raise ValueError("name at least one label, each with a value")

    @property
    def needle(self) -> bytes:
        """What the JSON of each of these pods holds: a label's value needs no escape."""
        return b'"%b"' % next(iter(self.labels.values())).encode()

    def holds(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Tell whether a pod belongs here."""
        if self.namespace not in ("", namespace):
            return False
        return all(labels.get(key) == value for key, value in self.labels.items())


class _Variable(msgspec.Struct, gc=False):
    name: str = ""
    value: str = ""
    value_from: object = msgspec.field(name="valueFrom", default=None)


class _Container(msgspec.Struct):
    env: list[_Variable] | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str = ""
    containers: list[_Container] | None = None


class _Status(msgspec.Struct):
    phase: str = ""
    pod_ip: str = msgspec.field(name="podIP", default="")
    host_ip: str = msgspec.field(name="hostIP", default="")


class _Pod(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_POD = msgspec.json.Decoder(_Pod)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A pod that measures, the groups it belongs to, and when it was made, as the API writes it."""

    pod: MeasuringPod
    groups: tuple[PodGroup, ...]
    created: str

    @property
    def age_order(self) -> tuple[str, str]:
        """Grows with the pod's creation; pods of one second are told apart by their names."""
        return self.created, self.pod.name


def sighted(obj: bytes, groups: Iterable[PodGroup]) -> Sighting | None:
    """Return a pod of any of the `groups`, if it runs, has an address and is not on its way out.

    Parameters
    ----------
    obj
        JSON of a pod. One that cannot be read is none.
    groups
        To look for.
    """
    try:
        pod = _POD.decode(obj)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    metadata, spec, status = pod.metadata, pod.spec, pod.status
    if status.phase != "Running" or metadata.deletion_timestamp is not None:
        return None
    if not spec.node_name or not status.pod_ip:
        return None
    own = tuple(one for one in groups if one.holds(metadata.namespace, metadata.labels or {}))
    if not own:
        return None
    env = {
        one.name: one.value
        for container in spec.containers or ()
        for one in container.env or ()
        if one.value_from is None
    }
    named = f"{metadata.namespace}/{metadata.name}"
    found = MeasuringPod(named, spec.node_name, status.pod_ip, status.host_ip, env)
    return Sighting(found, own, metadata.creation_timestamp or "")
