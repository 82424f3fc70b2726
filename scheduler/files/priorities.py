"""PriorityClasses on disk: what a server's admission would fill in for ``priorityClassName``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.domain.errors import InputError
from scheduler.objects.decoding import shorten

Tree = Mapping[str, object]

_SYSTEM = "system-"
"""Classes of this prefix exist in every cluster and are read with the pod."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """Values by class name; `default` for pods that name no class."""

    value_of: Mapping[str, int] = field(default_factory=dict)
    default: int | None = None

    def knows(self, spec: Tree) -> bool:
        """Whether the class a pod's spec names, if it names one, is known."""
        name = spec.get("priorityClassName")
        return not isinstance(name, str) or name in self.value_of or name.startswith(_SYSTEM)

    def filled_in(self, pod: Tree) -> Tree:
        """Return a pod's object with its priority; one it has already stays."""
        spec = pod.get("spec")
        if not isinstance(spec, dict) or spec.get("priority") is not None:
            return pod
        name = spec.get("priorityClassName")
        value = self.value_of.get(name) if isinstance(name, str) and name else self.default
        return pod if value is None else {**pod, "spec": {**spec, "priority": value}}


def read_priorities(objects: Iterable[tuple[str, Tree]]) -> Priorities:
    """Return the PriorityClasses among objects, each with where it stands.

    Raises
    ------
    InputError
        If one has no name, or its value is not a whole number.
    """
    value_of: dict[str, int] = {}
    default: int | None = None
    for where, tree in objects:
        if tree.get("kind") != "PriorityClass":
            continue
        metadata, value = tree.get("metadata"), tree.get("value")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name:
            raise InputError(f"{where}: PriorityClass", "has no metadata.name", "give it a name")
        if isinstance(value, bool) or not isinstance(value, int):
            at = f"{where}: PriorityClass {shorten(name)}: value"
            raise InputError(at, f"is {shorten(value)}", "write a whole number")
        value_of[name] = value
        if tree.get("globalDefault") is True:
            default = value
    return Priorities(value_of, default)
