"""Amounts of resources: the room of nodes, and what containers and pods ask for.

Lists go from small to large, so that a limit can be found that is not below its request.
"""

from collections.abc import Mapping, Sequence

from tests.parity.choices import Choices
from tests.parity.parts.scene import Object, Scene

HUGE = "hugepages-2Mi"
GPU = "example.com/gpu"
DISK = "ephemeral-storage"

_ASKED: Mapping[str, Sequence[str]] = {
    "cpu": ("0", "1500u", "100m", "0.25", "333m", "5e-1", "1", "1500m", "2"),
    "memory": ("0", "100M", "128Mi", "0.25Gi", "268435457", "500Mi", "1e9", "1Gi", "1536Mi"),
    DISK: ("1Mi", "500M", "1Gi", "3Gi"),
}
"""Overcommittable resources. The odd ones are legal: the API server rounds up to thousandths."""

_ROOM: Mapping[str, Sequence[str]] = {
    "cpu": ("8", "4", "3", "2", "1500m"),
    "memory": ("8Gi", "4Gi", "3Gi", "2Gi", "1000000001"),
    "pods": ("110", "110", "6", "4", "3", "2"),
    DISK: ("20Gi", "6Gi", "3Gi"),
    HUGE: ("64Mi", "16Mi", "8Mi", "0"),
    GPU: ("8", "4", "2", "1", "0"),
}
_OF_POD = {"cpu": "2", "memory": "2Gi"}
"""More than what small containers ask for together."""
_AMPLE = {"cpu": "64", "memory": "256Gi", "pods": "110", DISK: "100Gi"}


def node_room(scene: Scene) -> Object:
    """Return ``allocatable`` and ``capacity`` of a node: scarce where it is about resources."""
    room = _room(scene)
    kind = scene.choices.below(10)
    if kind == 9:  # what is not said to be kept back can be given away
        return {"capacity": room}
    return {"allocatable": room, "capacity": dict(_AMPLE) if kind > 6 else room}


def _room(scene: Scene) -> Object:
    choices = scene.choices
    if not scene.has("resources"):
        return dict(_AMPLE)
    room = {name: choices.one_of(_ROOM[name]) for name in ("cpu", "memory", "pods")}
    room |= {name: choices.one_of(_ROOM[name]) for name in (DISK, HUGE, GPU) if choices.happens(85)}
    return room


def container_resources(scene: Scene, *, small: bool = False) -> Object | None:
    """Return ``resources`` of a container.

    Parameters
    ----------
    scene
        Of the world.
    small
        To leave room under what the pod as a whole says it needs.
    """
    choices = scene.choices
    if not scene.has("resources"):
        return {"requests": {"cpu": "100m"}} if choices.happens(30) else None
    requests: Object = {}
    limits: Object = {}
    for name in ("cpu", "memory", DISK):
        if choices.happens(25 if name == DISK else 65):
            options = _ASKED[name][2:5] if small else _ASKED[name]
            _ask(choices, name, options, (requests, limits))
    if not small:
        _ask_whole(choices, requests, limits)
    given = {"requests": requests, "limits": limits}
    return {key: value for key, value in given.items() if value} or None


def pod_resources(scene: Scene) -> Object:
    """Return ``spec.resources``, above all that its small containers ask for together."""
    choices = scene.choices
    requests: Object = {}
    limits: Object = {}
    for name, more in (("cpu", "4"), ("memory", "3Gi")):
        kind = choices.below(4)
        if kind in (0, 1):
            requests[name] = _OF_POD[name]
        if kind in (1, 2):
            limits[name] = choices.one_of((_OF_POD[name], more))
    if limits and choices.happens(15):
        requests[HUGE] = limits[HUGE] = choices.one_of(("2Mi", "8Mi"))
    given = {"requests": requests, "limits": limits}
    return {key: value for key, value in given.items() if value}


def with_defaults(spec: Object) -> None:
    """Fill in the requests that the API server would where only limits are given.

    For the pod as a whole it takes the sum of the containers; here they are more than that.
    """
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        given = container.get("resources", {})
        if "limits" in given:
            given["requests"] = given["limits"] | given.get("requests", {})
    together = spec.get("resources", {})
    if "limits" in together:
        together["requests"] = _OF_POD | together.get("requests", {})


def overhead(choices: Choices) -> Object:
    """Return ``spec.overhead``, as a RuntimeClass adds it."""
    return {
        name: choices.one_of(_ASKED[name][2:6]) for name in choices.some_of(("cpu", "memory"), 1, 2)
    }


def larger_or_smaller(choices: Choices, amounts: Mapping[str, str]) -> Object:
    """Return other amounts of the same resources, as a resize leaves them behind."""
    return {
        name: choices.one_of(_ASKED[name][2:]) if name in ("cpu", "memory") else amount
        for name, amount in amounts.items()
    }


def _ask(choices: Choices, name: str, options: Sequence[str], into: tuple[Object, Object]) -> None:
    requests, limits = into
    asked = choices.below(len(options))
    kind = choices.below(10)
    if kind != 9:
        requests[name] = options[asked]
    if kind >= 6:
        limits[name] = options[choices.between(max(asked, 1), len(options) - 1)]


def _ask_whole(choices: Choices, requests: Object, limits: Object) -> None:
    """Ask for what cannot be over-committed: the request is the limit."""
    wanted: Object = {}
    if choices.happens(12):
        wanted[GPU] = choices.one_of(("1", "2", "0"))
    if choices.happens(10) and {"cpu", "memory"} & (requests.keys() | limits.keys()):
        wanted[HUGE] = choices.one_of(("2Mi", "4Mi", "8Mi"))
    limits |= wanted
    if choices.happens(60):
        requests |= wanted
