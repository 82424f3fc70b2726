"""What is missing in readings that came, and whether that is a failure of their source."""

from collections.abc import Sequence

from telemetry.readings import Readings

_NAMED = 5


def lacking(found: Readings) -> str:
    """Return what is missing in readings, in words, or the empty text."""
    parts = []
    if found.silent:
        parts.append(f"{len(found.silent)} nodes did not answer: {_some(found.silent)}")
    if found.unmapped:
        parts.append(f"{len(found.unmapped)} names are no node's: {_some(found.unmapped)}")
    return "; ".join(parts)


def lacks_half(found: Readings) -> bool:
    """Whether half of those who should have measured are silent, or half of the names nobody's.

    One pod of many that hangs is to be seen; it does not make their source fail.
    """
    answered = {pair.measured_from for pair in found.pairs}
    named = answered.union(pair.measured_to for pair in found.pairs)
    return bool(
        (found.silent and len(found.silent) >= len(answered))
        or (found.unmapped and len(found.unmapped) >= len(named))
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
