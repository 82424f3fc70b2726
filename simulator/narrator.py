"""Changes of the embedded cluster told to people."""

from collections.abc import Iterable, Iterator

from simulator.change import Change, JsonObject, ObjectKey
from simulator.status import condition_of


class Narrator:
    """Tells what a change means by remembering how the object was before."""

    def __init__(self) -> None:
        self._ready: dict[str, str] = {}
        self._pods: dict[ObjectKey, tuple[str, str, bool]] = {}

    def tell(self, changes: Iterable[Change]) -> Iterator[str]:
        """Yield a line for each change people care about."""
        for change in changes:
            if change.key.kind == "Node":
                yield from self._node(change)
            elif change.key.kind == "Pod":
                yield from self._pod(change)

    def _node(self, change: Change) -> Iterator[str]:
        name = change.key.name
        before = self._ready.get(name)
        if change.type == "DELETED":
            self._ready.pop(name, None)
            yield f"node {name} was deleted"
            return
        ready = condition_of(change.object, "Ready")
        now = ready["status"] if ready is not None else "Unknown"
        self._ready[name] = now
        if before is not None and before != now:
            words = {"True": "is ready", "False": "is not ready", "Unknown": "is unreachable"}
            yield f"node {name} {words.get(now, now)}"

    def _pod(self, change: Change) -> Iterator[str]:
        key, pod = change.key, change.object
        name = key.name if key.namespace == "default" else f"{key.namespace}/{key.name}"
        before = self._pods.get(key, ("", "Pending", False))
        if change.type == "DELETED":
            self._pods.pop(key, None)
            if before[0]:
                yield f"pod {name} is gone from {before[0]}"
            return
        now = _state_of(pod)
        self._pods[key] = now
        if now[0] and not before[0]:
            yield f"pod {name} bound to {now[0]}"
        if now[1] != before[1]:
            reason = pod["status"].get("reason", "")
            yield f"pod {name} {now[1].lower()}" + (f": {reason}" if reason else f" on {now[0]}")
        if now[2] and not before[2]:
            yield f"pod {name} leaves {now[0]}"


def _state_of(pod: JsonObject) -> tuple[str, str, bool]:
    return (
        pod["spec"].get("nodeName", ""),
        pod.get("status", {}).get("phase", "Pending"),
        bool(pod["metadata"].get("deletionTimestamp")),
    )
