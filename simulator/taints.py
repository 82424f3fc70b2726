"""Taints and tolerations, as the taint-eviction controller and the kubelets read them."""

from collections.abc import Iterable

from simulator.change import JsonObject

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def tolerates(toleration: JsonObject, taint: JsonObject) -> bool:
    """Whether one toleration covers a taint; an empty key or effect covers every key or effect."""
    effect = toleration.get("effect", "")
    if effect and effect != taint["effect"]:
        return False
    key = toleration.get("key", "")
    if key and key != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and toleration.get("value", "") == taint.get("value", "")


def tolerated_s(pod: JsonObject, taint: JsonObject) -> float | None:
    """Return how long a pod stays under a NoExecute taint; None for ever, 0 not at all."""
    covering = [t for t in pod["spec"].get("tolerations", ()) if tolerates(t, taint)]
    if not covering:
        return 0.0
    limits = [t["tolerationSeconds"] for t in covering if t.get("tolerationSeconds") is not None]
    return max(0.0, float(min(limits))) if limits else None


def no_execute(node: JsonObject) -> list[JsonObject]:
    """Return the taints of a node that evict."""
    return [t for t in node["spec"].get("taints", ()) if t["effect"] == "NoExecute"]


def without(taints: Iterable[JsonObject], keys: Iterable[str]) -> list[JsonObject]:
    """Return the taints whose key is not among `keys`."""
    gone = set(keys)
    return [taint for taint in taints if taint["key"] not in gone]
