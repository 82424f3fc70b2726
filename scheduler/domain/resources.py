"""Resources as Kubernetes counts them: integers, CPU in thousandths, the rest in whole units."""

from collections.abc import Iterable, Mapping

CPU = "cpu"
MEMORY = "memory"
PODS = "pods"

UNLIMITED = 1 << 60
"""Room of a resource that a node of the original's formats does not list. Far from int64's end, so
that subtracting requests can never wrap."""

Resources = tuple[tuple[str, int], ...]
"""Sorted pairs of resource name and amount; ``cpu`` in milli-CPU, everything else in whole units.
A tuple, because it is part of what makes two pods of one class."""


def resources(amounts: Mapping[str, int]) -> Resources:
    """Return the canonical form: sorted, without zeros."""
    return tuple(sorted((name, amount) for name, amount in amounts.items() if amount))


def total(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of amounts over `parts`."""
    out: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            out[name] = out.get(name, 0) + amount
    return out


def largest(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the greatest amount of each resource over `parts`."""
    out: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            out[name] = max(out.get(name, 0), amount)
    return out


def amount_text(resource: str, value: int) -> str:
    """Return an amount as people write it: ``512Mi memory``, ``250m cpu``, ``2 pod slots``."""
    if resource == CPU:
        return f"{value}m cpu"
    if resource == PODS:
        return f"{value} pod slot{'s' if value > 1 else ''}"
    mib = 2**20
    return f"{-(-value // mib)}Mi {resource}" if value >= mib else f"{value} {resource}"
