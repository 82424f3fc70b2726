"""The delays of a pod: its ``delay_<ref>`` labels and its ``isochrone.dev/delay`` annotation.

A delay that cannot be read is a fault, never an exception and never ignored: the pod stays pending
and says why, and the other pods of the file or the cluster are placed.
"""

from collections.abc import Iterator, Mapping

from scheduler.domain.delay import (
    ANNOTATION,
    LABEL_PREFIX,
    MAX_BUDGET_US,
    DelayConstraint,
    DelayFault,
    Quantifier,
    Reference,
    ReferenceKind,
    parse_duration_us,
    parse_label,
)
from scheduler.domain.errors import InputError
from scheduler.objects.decoding import shorten
from scheduler.objects.document import read_documents

_FIELDS = ("to", "within", "of", "namespace", "soft")
_EXAMPLE = "{to: node/edge-1, within: 25ms}"
_NUMBER = 'write a positive number of milliseconds in quotes, for example "25"'
_KINDS: Mapping[str, tuple[ReferenceKind, str]] = {
    "node": ("node", ""),
    "service": ("service", ""),
    "svc": ("service", ""),
    "pod": ("pod", ""),
    "workload": ("workload", ""),
    "deployment": ("workload", "deployment"),
    "statefulset": ("workload", "statefulset"),
    "replicaset": ("workload", "replicaset"),
    "replicationcontroller": ("workload", "replicationcontroller"),
    "daemonset": ("workload", "daemonset"),
    "job": ("workload", "job"),
}

Delays = tuple[tuple[DelayConstraint, ...], tuple[DelayFault, ...]]


def read_delays(
    labels: Mapping[str, object] | None, annotations: Mapping[str, object] | None, namespace: str
) -> Delays:
    """Return the constraints and the faults of a pod.

    Parameters
    ----------
    labels, annotations
        As written; values may be of any type. A bare number in a label is read as its text.
    namespace
        Of the pod: where a reference is looked for unless it says otherwise.
    """
    found = [*_from_labels(labels or {}, namespace)]
    if annotations and ANNOTATION in annotations:
        found.extend(_from_annotation(annotations[ANNOTATION], namespace))
    return (
        tuple(one for one in found if isinstance(one, DelayConstraint)),
        tuple(one for one in found if isinstance(one, DelayFault)),
    )


def _from_labels(
    labels: Mapping[str, object], namespace: str
) -> Iterator[DelayConstraint | DelayFault]:
    for key in sorted(key for key in labels if key.startswith(LABEL_PREFIX)):
        value = labels[key]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            yield DelayFault(key, shorten(value), _NUMBER)
            continue
        read = parse_label(key, str(value), namespace)
        yield read if isinstance(read, DelayConstraint) else _short(read)


def _from_annotation(value: object, namespace: str) -> Iterator[DelayConstraint | DelayFault]:
    if not isinstance(value, str):
        yield DelayFault(ANNOTATION, shorten(value), f"write a block of text: | - {_EXAMPLE}")
        return
    try:
        documents = read_documents(value, ANNOTATION)
    except InputError as error:
        yield DelayFault(ANNOTATION, shorten(value), f"{error.what}; write a list: - {_EXAMPLE}")
        return
    entries = documents[0] if len(documents) == 1 else None
    if not isinstance(entries, list):
        yield DelayFault(ANNOTATION, shorten(value), f"write a list: - {_EXAMPLE}")
        return
    for entry in entries:
        yield _entry(entry, namespace)


def _entry(entry: object, namespace: str) -> DelayConstraint | DelayFault:
    """Read one entry of the annotation."""
    if not isinstance(entry, dict):
        return DelayFault(ANNOTATION, shorten(entry), f"write each entry as {_EXAMPLE}")
    unknown = sorted(set(entry) - set(_FIELDS))
    if unknown:
        return DelayFault(
            ANNOTATION, _written(entry), f"{shorten(unknown[0])} is no field; use {_EXAMPLE}"
        )
    reference = _reference(entry, namespace)
    if isinstance(reference, DelayFault):
        return reference
    within_us = parse_duration_us(entry["within"]) if isinstance(entry.get("within"), str) else None
    if within_us is None or not 0 < within_us <= MAX_BUDGET_US:
        return DelayFault(
            ANNOTATION,
            _written(entry),
            "write within as a duration of 1us to 600s with its unit, for example 25ms",
        )
    quantifier, soft = entry.get("of"), entry.get("soft")
    if quantifier not in (None, "any", "all") or not isinstance(soft, bool | None):
        fix = "write of: any or of: all, and soft: true or soft: false"
        return DelayFault(ANNOTATION, _written(entry), fix)
    return DelayConstraint(
        reference,
        within_us,
        quantifier=None if quantifier is None else Quantifier(quantifier),
        is_soft=bool(soft),
        written=f"{ANNOTATION}: {_written(entry)}",
    )


def _reference(entry: Mapping[str, object], namespace: str) -> Reference | DelayFault:
    """Read ``to: kind/name``; a name alone is looked up as a label's is."""
    target, elsewhere = entry.get("to"), entry.get("namespace")
    if not isinstance(target, str) or not target:
        return DelayFault(ANNOTATION, _written(entry), "write to: node/<name> or service/<name>")
    kind_text, slash, name = target.partition("/")
    known = _KINDS.get(kind_text.lower()) if slash else ("auto", "")
    if known is None or "/" in name or not (name or not slash):
        return DelayFault(
            ANNOTATION,
            _written(entry),
            "write to: as kind/name, the kind one of node, service, pod, workload, deployment, "
            "statefulset, replicaset, replicationcontroller, daemonset, job",
        )
    if elsewhere is not None and (not isinstance(elsewhere, str) or not elsewhere):
        return DelayFault(ANNOTATION, _written(entry), "write namespace as a name")
    kind, workload_kind = known
    if kind == "node" and elsewhere is not None:
        return DelayFault(ANNOTATION, _written(entry), "a node has no namespace; leave it out")
    return Reference(kind, name if slash else target, elsewhere or namespace, workload_kind)


def _written(entry: Mapping[str, object]) -> str:
    known = [key for key in _FIELDS if key in entry] + sorted(set(entry) - set(_FIELDS))
    shown = (f"{shorten(key)}: {shorten(entry[key])}" for key in known[:8])
    return "{" + ", ".join(shown) + "}"


def _short(fault: DelayFault) -> DelayFault:
    return DelayFault(shorten(fault.key), shorten(fault.value), fault.fix)
