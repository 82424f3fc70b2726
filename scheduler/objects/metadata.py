"""What every object carries: its name, its labels, and who made it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scheduler.domain.delay import LABEL_PREFIX
from scheduler.domain.errors import InputError
from scheduler.domain.selector import Labels
from scheduler.domain.workload import IDENTITY_LABELS, WorkloadRef
from scheduler.objects.decoding import Wire, described, shorten

DEFAULT_NAMESPACE = "default"
TEMPLATE_HASH_LABEL = "pod-template-hash"


class OwnerReference(Wire, frozen=True):
    """Who made an object."""

    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class Metadata(Wire, frozen=True):
    """``metadata``. Values of labels are checked apart, where the error can name the key."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


def object_name(kind: str, metadata: Metadata) -> str:
    """Return the object's name.

    Raises
    ------
    InputError
        If there is none, or it holds a slash, which would make keys ambiguous.
    """
    if not metadata.name:
        raise InputError(kind, "has no metadata.name", "give it a name")
    for path, text in (("name", metadata.name), ("namespace", metadata.namespace or "")):
        if "/" in text or text != text.strip():
            raise InputError(
                described(kind, metadata.namespace, metadata.name),
                f'metadata.{path} is "{shorten(text)}"',
                "a name has no slash and no surrounding space",
            )
    return metadata.name


def namespace_of(metadata: Metadata) -> str:
    """Return the namespace; ``default`` where none is given."""
    return metadata.namespace or DEFAULT_NAMESPACE


def read_text_map(where: str, path: str, pairs: Mapping[str, object] | None) -> dict[str, str]:
    """Return labels or a selector as text.

    A bare number is read as the text it was written as, a null as the empty text.

    Raises
    ------
    InputError
        If a value is a boolean, a list or a mapping.
    """
    return {key: _text(where, f"{path}.{key}", value) for key, value in (pairs or {}).items()}


def sorted_pairs(pairs: Mapping[str, str]) -> Labels:
    """Return the canonical form of labels."""
    return tuple(sorted(pairs.items()))


def identity_labels(metadata: Metadata) -> Labels:
    """Return the labels by which a controller numbers the pod, which are no part of its class."""
    labels = metadata.labels or {}
    if IDENTITY_LABELS.isdisjoint(labels):
        return ()
    return sorted_pairs({k: str(v) for k, v in labels.items() if k in IDENTITY_LABELS})


def shown_labels(metadata: Metadata) -> dict[str, object]:
    """Return the labels that make a class, delays among them.

    A delay's label may hold what is no text, which is a fault of the delay and told as such; for
    selectors it is as good as not there.
    """
    return {
        key: value
        for key, value in (metadata.labels or {}).items()
        if key not in IDENTITY_LABELS and (not key.startswith(LABEL_PREFIX) or _is_text(value))
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def created_s(where: str, metadata: Metadata) -> float:
    """Return when the object was created, seconds since 1970; 0 where it is not said.

    Raises
    ------
    InputError
        If the time stamp is not one.
    """
    if not metadata.creation_timestamp:
        return 0.0
    try:
        moment = datetime.fromisoformat(metadata.creation_timestamp)
    except ValueError:
        raise InputError(
            f"{where}: metadata.creationTimestamp",
            f'"{shorten(metadata.creation_timestamp)}" is not a time',
            "write it as 2026-01-31T12:00:00Z",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def workload_of(metadata: Metadata) -> WorkloadRef | None:
    """Return the top controller of a pod.

    A ReplicaSet whose name ends in the pod's template hash was made by the Deployment of the rest
    of its name. A node's own (mirror) pods have no workload.
    """
    owner = next((o for o in metadata.owner_references or () if o.controller), None)
    if owner is None or not owner.kind or not owner.name or owner.kind == "Node":
        return None
    kind, name = owner.kind, owner.name
    template_hash = (metadata.labels or {}).get(TEMPLATE_HASH_LABEL)
    if kind == "ReplicaSet" and template_hash:
        deployment = name.removesuffix(f"-{template_hash}")
        if deployment and deployment != name:
            kind, name = "Deployment", deployment
    return WorkloadRef(kind, namespace_of(metadata), name)


def _text(where: str, path: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where}: {path}", f"is {shorten(value)}", 'write text, for example "true"')
