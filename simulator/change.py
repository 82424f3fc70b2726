"""What the embedded cluster answers with: changes of objects, or a refusal."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

JsonObject = dict[str, Any]
"""A Kubernetes object as plain JSON. Once it was handed out it is never changed, only replaced."""

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class ObjectKey(NamedTuple):
    """What names an object: kind, namespace (empty for cluster-wide kinds), name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log, as a watch shows it."""

    type: ChangeType
    object: JsonObject

    @property
    def key(self) -> ObjectKey:
        """The changed object's key."""
        return key_of(self.object)

    @property
    def version(self) -> int:
        """The resourceVersion this change produced."""
        return int(self.object["metadata"]["resourceVersion"])


class Refused(Exception):
    """The embedded API server refuses a command.

    Parameters
    ----------
    code
        HTTP status a real API server would answer with.
    reason
        ``metav1.StatusReason``: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, …
    message
        For people.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def not_found(key: ObjectKey) -> Refused:
    """Return the refusal for an object that does not exist."""
    return Refused(404, "NotFound", f'{key.kind.lower()}s "{key.name}" not found')


def conflict(what: str, message: str) -> Refused:
    """Return the refusal of a write that came too late or is against the object's state."""
    return Refused(409, "Conflict", f"Operation cannot be fulfilled on {what}: {message}")


def invalid(key: ObjectKey, message: str) -> Refused:
    """Return the refusal of an object that breaks the rules of its kind."""
    return Refused(422, "Invalid", f'{key.kind} "{key.name}" is invalid: {message}')


def key_of(obj: JsonObject) -> ObjectKey:
    """Return what names `obj`."""
    meta = obj["metadata"]
    return ObjectKey(obj["kind"], meta.get("namespace", ""), meta.get("name", ""))


def uid_of(obj: JsonObject) -> str:
    """Return the uid the store gave `obj`."""
    uid: str = obj["metadata"]["uid"]
    return uid
