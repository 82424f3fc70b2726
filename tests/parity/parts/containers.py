"""Containers: what they ask for, their images, and the ports they take of their node."""

from tests.parity.choices import Choices
from tests.parity.parts.amounts import container_resources, larger_or_smaller
from tests.parity.parts.nodes import IMAGES
from tests.parity.parts.scene import Object, Scene, without_none

_ADDRESSES = (None, None, None, "0.0.0.0", "10.0.0.1", "127.0.0.1", "::")  # noqa: S104
_PROTOCOLS = (None, None, "TCP", "UDP", "SCTP")
_PORTS = (80, 443, 8080)

Taken = set[tuple[str, str, int]]
"""Ports that containers of one pod have already: the API server refuses one given twice."""


def containers(scene: Scene, *, host_network: bool, small: bool) -> Object:
    """Return ``containers`` and ``initContainers`` of a pod.

    Parameters
    ----------
    scene
        Of the world.
    host_network
        Whether the pod uses its node's network, where every port is one of the node.
    small
        Whether the containers ask for little, since the pod as a whole says what it needs.
    """
    choices, taken = scene.choices, Taken()
    apps = [f"c{k}" for k in range(choices.one_of((1, 1, 1, 2, 3)))]
    inits = [f"i{k}" for k in range(choices.one_of((0, 0, 1, 2, 3)))] if _has_inits(scene) else []
    made: Object = {}
    for field, names in (("containers", apps), ("initContainers", inits)):
        for name in names:
            one = _container(scene, name, small=small)
            one["ports"] = _ports(scene, taken, host_network=host_network)
            if field == "initContainers" and choices.happens(50):
                one["restartPolicy"] = "Always"
            elif field == "containers" and scene.likely("states", 6):
                one |= _restarting_all()
            made.setdefault(field, []).append(without_none(one))
    return made


def resized_status(choices: Choices, spec: Object) -> Object:
    """Return the status of a pod whose containers are being resized, or were refused to be."""
    pending = choices.one_of((None, "Infeasible", "Deferred"))
    kind = "PodResizeInProgress" if pending is None else "PodResizePending"
    condition = without_none({"type": kind, "status": "True", "reason": pending})
    status: Object = {"conditions": [condition]}
    for field, name in (
        ("containers", "containerStatuses"),
        ("initContainers", "initContainerStatuses"),
    ):
        found = [_resized(choices, one) for one in spec.get(field, ())]
        statuses = [one for one in found if one is not None]
        if statuses:
            status[name] = statuses
    return status


def _has_inits(scene: Scene) -> bool:
    return scene.likely("resources", 45) or scene.likely("ports", 30)


def _container(scene: Scene, name: str, *, small: bool) -> Object:
    choices = scene.choices
    return {
        "name": name,
        "image": choices.one_of(IMAGES) if choices.happens(30) else "example/app:1",
        "resources": container_resources(scene, small=small),
    }


def _restarting_all() -> Object:
    exits = {"operator": "In", "values": [42]}
    rule = {"action": "RestartAllContainers", "exitCodes": exits}
    return {"restartPolicy": "Never", "restartPolicyRules": [rule]}


def _ports(scene: Scene, taken: Taken, *, host_network: bool) -> list[Object] | None:
    choices = scene.choices
    if not scene.likely("ports", 60):
        return None
    made: list[Object] = []
    for _ in range(choices.one_of((1, 1, 2))):
        number, protocol = choices.one_of(_PORTS), choices.one_of(_PROTOCOLS)
        address = choices.one_of(_ADDRESSES)
        key = (address or "", protocol or "TCP", number)
        if key in taken:
            continue
        taken.add(key)
        is_host = choices.happens(85)
        made.append(
            without_none(
                {
                    "containerPort": number if host_network else choices.one_of((number, 9000)),
                    "hostPort": number if is_host else None,
                    "hostIP": address,
                    "protocol": protocol,
                }
            )
        )
    return made or None


def _resized(choices: Choices, container: Object) -> Object | None:
    """Return a container's status: what it got and what it was promised, as its kubelet says."""
    requests = container.get("resources", {}).get("requests")
    if not requests or choices.happens(20):
        return None
    return without_none(
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "resources": {"requests": larger_or_smaller(choices, requests)}
            if choices.happens(85)
            else None,
            "allocatedResources": larger_or_smaller(choices, requests)
            if choices.happens(70)
            else None,
        }
    )
