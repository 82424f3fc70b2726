"""When a watch first told what became of each pod, by this process' own clock.

The API server's times are whole seconds.
"""

import time
from dataclasses import dataclass
from typing import Self

from tests.real.api import Object
from tests.real.control_plane import ControlPlane
from tests.real.history import Change, History

NEVER_S = float("inf")


@dataclass(slots=True)
class Sighting:
    """One pod: its last state, and when things were first seen, seconds of `time.monotonic`."""

    pod: Object
    added_s: float
    bound_s: float = NEVER_S
    ready_s: float = NEVER_S
    marked_s: float = NEVER_S
    """It was to be deleted."""
    gone_s: float = NEVER_S

    @property
    def uid(self) -> str:
        """Which pod."""
        return str(self.pod["metadata"]["uid"])

    @property
    def name(self) -> str:
        """Its name, without the namespace."""
        return str(self.pod["metadata"]["name"])

    @property
    def app(self) -> str:
        """Its Deployment's name."""
        return str(self.pod["metadata"]["labels"]["app"])

    @property
    def node(self) -> str:
        """Where it is bound, or nothing."""
        return str(self.pod["spec"].get("nodeName", ""))

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing left of it."""
        return self.gone_s < NEVER_S

    @property
    def is_wanted(self) -> bool:
        """Whether nobody has deleted it yet."""
        return self.marked_s == self.gone_s == NEVER_S

    @property
    def is_ready(self) -> bool:
        """Whether it says so now."""
        conditions = self.pod["status"].get("conditions", ())
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)

    def annotation(self, key: str) -> str:
        """Return an annotation, or nothing."""
        return str(self.pod["metadata"].get("annotations", {}).get(key, ""))


class Sightings:
    """Follows all pods while inside ``with``; begin before the first.

    Parameters
    ----------
    control_plane
        Whose pods.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._history = History(control_plane, self._hear)
        self._seen: dict[str, Sighting] = {}

    def __enter__(self) -> Self:
        self._history.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._history.__exit__(*_)

    def all(self) -> list[Sighting]:
        """Return all pods there were, in the order they were added."""
        return list(self._seen.copy().values())

    def wanted(self) -> list[Sighting]:
        """Return the pods that nobody has deleted."""
        return [one for one in self.all() if one.is_wanted]

    def _hear(self, change: Change) -> None:
        now_s = time.monotonic()
        seen = self._seen.setdefault(change.uid, Sighting(change.pod, now_s))
        seen.pod = change.pod
        if change.node:
            seen.bound_s = min(seen.bound_s, now_s)
        if seen.is_ready:
            seen.ready_s = min(seen.ready_s, now_s)
        if change.pod["metadata"].get("deletionTimestamp"):
            seen.marked_s = min(seen.marked_s, now_s)
        if change.is_gone:
            seen.gone_s = min(seen.gone_s, now_s)
