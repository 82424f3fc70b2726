"""Where pods of a workload were moved away from, as their successors' annotations tell."""

from collections.abc import Iterator

HOUR_S = 3_600.0


def extended(trail: str, node: str, at_s: float, kept_s: float = HOUR_S) -> str:
    """Return a trail with one more node, without what is older than `kept_s`.

    Parameters
    ----------
    trail
        ``edge-3@1764339600,edge-5@1764340020``: node and Unix time of each move, the oldest first.
    node
        That was left.
    at_s
        When, seconds on the wall clock.
    kept_s
        For how long entries matter, seconds.
    """
    kept = [(name, then_s) for name, then_s in entries(trail) if at_s - then_s < kept_s]
    return ",".join(f"{name}@{round(then_s)}" for name, then_s in [*kept, (node, at_s)])


def entries(trail: str) -> Iterator[tuple[str, float]]:
    """Yield node and Unix time of each move; what cannot be read is left out."""
    for part in trail.split(",") if trail else ():
        name, _, then = part.rpartition("@")
        if name and then.isascii() and then.isdigit():
            yield name, float(then)
