"""What a pod takes of a node, counted as the kubelet counts.

Written apart from the scheduler's own reading of pods, on purpose: a mistake made once must show as
a refused pod here, not agree with itself.
"""

import re
from fractions import Fraction
from math import ceil

from simulator.change import JsonObject

_NUMBER = re.compile(
    r"^(?P<number>[+-]?(\d+(\.\d*)?|\.\d+))(?P<unit>[A-Za-z]{0,2}|[eE][+-]?\d{1,3})$"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def quantity(text: object) -> Fraction:
    """Return the value of a Kubernetes quantity.

    Raises
    ------
    ValueError
        If `text` is not one.
    """
    match = _NUMBER.match(str(text))
    if match is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is not a quantity")
    unit = match["unit"]
    if unit in _BINARY:
        scale = Fraction(2) ** _BINARY[unit]
    elif unit in _DECIMAL:
        scale = Fraction(10) ** _DECIMAL[unit]
    elif unit[0] in "eE" and len(unit) > 1:
        scale = Fraction(10) ** int(unit[1:])
    else:
        raise ValueError(f"{text!r} is not a quantity: no unit {unit!r}")
    return Fraction(match["number"]) * scale


def capacity(node: JsonObject) -> dict[str, int]:
    """Return what a node has: CPU in thousandths, the rest in whole units, rounded down."""
    listed = node.get("status", {}).get("allocatable", {})
    return {name: int(quantity(v) * (1000 if name == "cpu" else 1)) for name, v in listed.items()}


def pod_demand(pod: JsonObject) -> dict[str, int]:
    """Return what a pod takes, rounded up: CPU in thousandths, the rest in whole units, 1 pod.

    The larger of what its containers and sidecars need together and of what any step of its start
    needs; a request of the pod as a whole replaces that; overhead comes on top.
    """
    spec = pod["spec"]
    steady: dict[str, Fraction] = {}
    start: dict[str, Fraction] = {}
    for container in spec.get("initContainers", ()):
        wants = _requests(container)
        step = _plus(steady, wants)
        start = {name: max(start.get(name, Fraction(0)), step[name]) for name in start | step}
        if container.get("restartPolicy") == "Always":  # a sidecar: it keeps running
            steady = step
    for container in spec.get("containers", ()):
        steady = _plus(steady, _requests(container))
    need = {n: max(steady.get(n, Fraction(0)), start.get(n, Fraction(0))) for n in steady | start}
    need |= _requests(spec)
    overhead = {name: quantity(value) for name, value in spec.get("overhead", {}).items()}
    need = _plus(need, overhead)
    out = {name: ceil(value * (1000 if name == "cpu" else 1)) for name, value in need.items()}
    out["pods"] = 1
    return out


def _requests(holder: JsonObject) -> dict[str, Fraction]:
    resources = holder.get("resources") or {}
    return {name: quantity(value) for name, value in (resources.get("requests") or {}).items()}


def _plus(a: dict[str, Fraction], b: dict[str, Fraction]) -> dict[str, Fraction]:
    return {name: a.get(name, Fraction(0)) + b.get(name, Fraction(0)) for name in a | b}
