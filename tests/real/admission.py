"""Whether a node takes a pod, as its kubelet judges it: the pods that are there already stay.

Order and words are those of pkg/kubelet/lifecycle/predicate.go of Kubernetes 1.36: pods, CPU,
memory, ephemeral storage, other resources, node selector, host ports, taints that evict. Exact
integers. Left out is what the pods here do not have: init containers, overhead, affinity to nodes.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kubernetes.utils.quantity import parse_quantity

from tests.real.api import Object

_FIRST = ("cpu", "memory", "ephemeral-storage")
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a host port's address, nothing binds here

Port = tuple[str, str, int]
"""Address, protocol, number."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a kubelet does not take a pod, as it goes into the pod's status."""

    reason: str
    message: str


class Admission:
    """One node's.

    Parameters
    ----------
    node
        With its labels, taints and allocatable resources.
    """

    def __init__(self, node: Object) -> None:
        self._node = node
        self._room = _amounts(node["status"]["allocatable"])
        self._held: dict[str, Object] = {}

    def rejection(self, pod: Object) -> Rejection | None:
        """Return why the pod is refused, or None for one that may run."""
        found = self._first_lack(_requests(pod))
        if found is not None:
            return found
        labels = self._node["metadata"].get("labels", {})
        if not pod["spec"].get("nodeSelector", {}).items() <= labels.items():
            return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
        taken = {port for held in self._held.values() for port in _host_ports(held)}
        if any(_conflict(mine, other) for mine in _host_ports(pod) for other in taken):
            said = "node(s) didn't have free ports for the requested pod ports"
            return _predicate("NodePorts", said)
        if any(not _tolerates(pod, taint) for taint in _evicting(self._node)):
            said = "node(s) had taints that the pod didn't tolerate"
            return _predicate("TaintToleration", said)
        return None

    def admit(self, pod: Object) -> None:
        """Have a pod run here."""
        self._held[pod["metadata"]["uid"]] = pod

    def release(self, uid: str) -> None:
        """Let a pod go; one that is not here is fine."""
        self._held.pop(uid, None)

    def has(self, uid: str) -> bool:
        """Tell whether a pod runs here."""
        return uid in self._held

    def free(self, resource: str) -> int:
        """Return what is left of a resource; CPU in thousandths."""
        return self._room.get(resource, 0) - self._used(resource)

    def _used(self, resource: str) -> int:
        if resource == "pods":
            return len(self._held)
        return sum(_requests(held).get(resource, 0) for held in tuple(self._held.values()))

    def _first_lack(self, wanted: Mapping[str, int]) -> Rejection | None:
        others = sorted(wanted.keys() - set(_FIRST))
        for name in ("pods", *_FIRST, *others):
            asked = 1 if name == "pods" else wanted.get(name, 0)
            # An extended resource that the node does not know is not the kubelet's to judge.
            is_unknown = "/" in name and name not in self._room
            if asked and not is_unknown and asked > self.free(name):
                said = f"requested: {asked}, used: {self._used(name)}"
                capacity = self._room.get(name, 0)
                return Rejection(
                    f"OutOf{name}",
                    f"Node didn't have enough resource: {name}, {said}, capacity: {capacity}",
                )
        return None


def _predicate(name: str, said: str) -> Rejection:
    return Rejection(name, f"Predicate {name} failed: {said}")


def _amounts(written: Mapping[str, str]) -> dict[str, int]:
    """Return quantities as integers, CPU in thousandths, rounded up as kube-scheduler does."""
    return {
        name: math.ceil(parse_quantity(quantity) * (1000 if name == "cpu" else 1))
        for name, quantity in written.items()
    }


def _requests(pod: Object) -> dict[str, int]:
    out: dict[str, int] = {}
    for container in pod["spec"]["containers"]:
        for name, amount in _amounts(container.get("resources", {}).get("requests", {})).items():
            out[name] = out.get(name, 0) + amount
    return out


def _host_ports(pod: Object) -> Iterator[Port]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", ()):
            if port.get("hostPort"):
                address = port.get("hostIP") or _EVERY_ADDRESS
                yield address, port.get("protocol", "TCP"), port["hostPort"]


def _conflict(one: Port, other: Port) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or _EVERY_ADDRESS in (one[0], other[0]))


def _evicting(node: Object) -> list[Object]:
    return [t for t in node.get("spec", {}).get("taints", ()) if t["effect"] == "NoExecute"]


def _tolerates(pod: Object, taint: Object) -> bool:
    return any(
        one.get("key", taint["key"]) == taint["key"]
        and one.get("effect") in (None, "", taint["effect"])
        and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        for one in pod["spec"].get("tolerations", ())
    )
