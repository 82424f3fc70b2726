"""What containers take of a node beside resources: ports of the host, images."""

from collections.abc import Iterable

from scheduler.domain.between import HostPort
from scheduler.domain.errors import InputError
from scheduler.objects.decoding import shorten
from scheduler.objects.requests import Container

_LARGEST_PORT = 65_535
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what it means where a host port names no address


def read_host_ports(
    where: str,
    containers: Iterable[Container],
    sidecars: Iterable[Container],
    *,
    is_host_network: bool,
) -> tuple[HostPort, ...]:
    """Return the ports of the host, sorted and each once.

    Parameters
    ----------
    where
        The pod, for errors.
    containers, sidecars
        As written. Of init containers only those that restart hold ports, as kube-scheduler counts
        them (``GetHostPorts``).
    is_host_network
        Whether every port of a container is one of the host, as the API server fills it in.

    Raises
    ------
    InputError
        If a port is no number from 1 to 65535.
    """
    found = set()
    for one in (*containers, *(c for c in sidecars if c.restart_policy == "Always")):
        for port in one.ports or ():
            number = port.get("hostPort") or (is_host_network and port.get("containerPort"))
            if not number:
                continue
            if (
                isinstance(number, bool)
                or not isinstance(number, int)
                or not (0 < number <= _LARGEST_PORT)
            ):
                raise InputError(
                    f"{where}: hostPort", f"is {shorten(number)}", "write a number, 1 to 65535"
                )
            address = str(port.get("hostIP") or _ANY_ADDRESS)
            found.add(HostPort(address, str(port.get("protocol") or "TCP"), number))
    return tuple(sorted(found))


def read_images(containers: Iterable[Container]) -> tuple[str, ...]:
    """Return the images of all containers, as nodes name them, sorted; one twice counts twice."""
    return tuple(sorted(normalised(c.image) for c in containers if c.image))


def normalised(image: str) -> str:
    """Return an image's name with its tag; ``latest`` where none is written."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def needed_features(
    containers: Iterable[Container], *, is_host_network: bool, is_host_user: bool
) -> tuple[str, ...]:
    """Return the features that a node must declare to run a pod, sorted.

    As of Kubernetes 1.36: what component-helpers ``nodedeclaredfeatures`` infers for scheduling.
    """
    out = []
    rules = (rule for one in containers for rule in one.restart_policy_rules or ())
    if any(rule.action == "RestartAllContainers" for rule in rules):
        out.append("RestartAllContainersOnContainerExits")
    if is_host_network and not is_host_user:
        out.append("UserNamespacesHostNetworkSupport")
    return tuple(out)
