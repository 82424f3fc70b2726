"""Events as objects: equal ones are counted, old ones expire."""

from simulator.agenda import Task
from simulator.change import JsonObject, ObjectKey, uid_of
from simulator.command import Record
from simulator.kinds import KINDS
from simulator.state import State
from simulator.store import content_hash

_SOON_S = 1e-3  # a remainder that rounding left is not waited for


def record(state: State, command: Record) -> JsonObject:
    """Write an event, or count one more of an equal event."""
    about = command.about
    obj = state.store.get(about)
    uid = command.uid or (uid_of(obj) if obj is not None else "")
    sameness = [uid, command.type, command.reason, command.message, command.component]
    name = f"{about.name}.{content_hash({'of': sameness})}"
    namespace = about.namespace or "default"
    old = state.store.get(ObjectKey("Event", namespace, name))
    event: JsonObject = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": KINDS[about.kind].api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": uid,
        },
        "reason": command.reason,
        "message": command.message,
        "type": command.type,
        "source": {"component": command.component},
        "firstTimestamp": old["firstTimestamp"] if old is not None else state.stamp(),
        "lastTimestamp": state.stamp(),
        "count": old["count"] + 1 if old is not None else 1,
    }
    stored = state.put(event)
    state.event_seen_s[uid_of(stored)] = state.now_s
    return stored


def expire(state: State, key: ObjectKey) -> None:
    """Remove an event unless it was seen again in the meantime."""
    event = state.store.get(key)
    if event is None:
        return
    # An event somebody else wrote as an object is not in the list: it counts as seen long ago.
    seen_s = state.event_seen_s.get(uid_of(event), state.now_s - state.timing.event_ttl_s)
    left_s = seen_s + state.timing.event_ttl_s - state.now_s
    if left_s > _SOON_S:
        state.after(left_s, Task.EXPIRE, key)
        return
    state.event_seen_s.pop(uid_of(event), None)
    state.remove(key)
