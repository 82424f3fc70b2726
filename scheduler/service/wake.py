"""What happened that may let a waiting pod be placed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WakeAll:
    """Room, a node or a taint changed: any pod may fit now."""

    why: str


@dataclass(frozen=True, slots=True)
class WakeDelays:
    """RTTs changed: pods that ask for a delay may fit now."""

    why: str


@dataclass(frozen=True, slots=True)
class WakeNamed:
    """What goes by these names in a namespace changed: pods with a delay to it may fit now."""

    why: str
    namespace: str
    names: frozenset[str]
    skips_backoff: bool = False
    """A reference has appeared: try at once, so that pods which refer to each other meet."""


Wake = WakeAll | WakeDelays | WakeNamed
