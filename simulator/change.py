"""What the embedded cluster answers with: changes of objects, or a refusal."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from simulator.kinds import KINDS

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
    details
        ``metav1.StatusDetails``, where there are any.
    """

    def __init__(
        self, code: int, reason: str, message: str, details: JsonObject | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details = details


def not_found(key: ObjectKey) -> Refused:
    """Return the refusal for an object that does not exist."""
    message = f'{_resource(key)} "{key.name}" not found'
    return Refused(404, "NotFound", message, details_of(key))


def already_exists(key: ObjectKey) -> Refused:
    """Return the refusal to create an object twice."""
    message = f'{_resource(key)} "{key.name}" already exists'
    return Refused(409, "AlreadyExists", message, details_of(key))


def conflict(key: ObjectKey, message: str, subresource: str = "") -> Refused:
    """Return the refusal of a write that came too late or is against the object's state."""
    what = _resource(key) + (f"/{subresource}" if subresource else "")
    details = details_of(key)
    details["kind"] += f"/{subresource}" if subresource else ""
    text = f'Operation cannot be fulfilled on {what} "{key.name}": {message}'
    return Refused(409, "Conflict", text, details)


def forbidden(key: ObjectKey, message: str) -> Refused:
    """Return the refusal of what nobody may do."""
    text = f'{_resource(key)} "{key.name}" is forbidden: {message}'
    return Refused(403, "Forbidden", text, details_of(key))


def invalid(key: ObjectKey, message: str) -> Refused:
    """Return the refusal of an object that breaks the rules of its kind.

    `message` begins with the field it is about and a colon.
    """
    field, _, said = message.partition(": ")
    missing = said.startswith("Required value")
    reason = "FieldValueRequired" if missing else "FieldValueInvalid"
    details = {**details_of(key), "kind": key.kind}
    details["causes"] = [{"reason": reason, "message": said, "field": field}]
    return Refused(422, "Invalid", f'{key.kind} "{key.name}" is invalid: {message}', details)


def details_of(key: ObjectKey) -> JsonObject:
    """Return what a Status says of the object it is about: name, group, resource."""
    kind = KINDS[key.kind]
    group = {"group": kind.group} if kind.group else {}
    return {"name": key.name, **group, "kind": kind.plural}


def _resource(key: ObjectKey) -> str:
    return KINDS[key.kind].resource


def key_of(obj: JsonObject) -> ObjectKey:
    """Return what names `obj`."""
    meta = obj["metadata"]
    return ObjectKey(obj["kind"], meta.get("namespace", ""), meta.get("name", ""))


def uid_of(obj: JsonObject) -> str:
    """Return the uid the store gave `obj`."""
    uid: str = obj["metadata"]["uid"]
    return uid
