"""Cover: backups of pods, and the room kept for them.

The words shared by who places pods, who reserves, and who checks both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import Resources
from scheduler.domain.workload import Labels, Pod

BACKUP_ANNOTATION = "isochrone.dev/backup"
"""On a bound pod: the node reserved for the day its own dies."""

REPLACES_ANNOTATION = "isochrone.dev/replaces"
"""On a bound pod: the uid of the lost pod whose reserved place it took."""

HOME_ANNOTATION = "isochrone.dev/home"
"""On a bound pod: the node that the pod it replaces was lost with."""

MOVED_ANNOTATION = "isochrone.dev/moved-from"
"""On a bound pod: the nodes that pods of its workload were moved away from, and when."""

SURGE_ANNOTATION = "isochrone.dev/surge"
"""On a pod that is to leave: how many replicas its Deployment is asked for until it has."""

CoverMode = Literal["off", "preferred", "required"]
FailureUnit = Literal["node", "domain", "zone"]


@dataclass(frozen=True, slots=True)
class NodeReserve:
    """Room kept on a node, and the pods it is for: those that have their backup there.

    `amounts` hold the worst single failure, resource by resource.
    """

    node: str
    amounts: Resources
    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A placed pod that is to be covered and has no backup, and why."""

    pod: Pod
    why: str


@dataclass(frozen=True, slots=True)
class CoverPlan:
    """What a decision leaves reserved.

    `backups` are new ones of pods that were placed before, by key.
    """

    uncovered: tuple[Uncovered, ...] = ()
    backups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A node that is reserved, and the uid of the lost pod it is reserved for.

    `node` is -1 for a lost pod that nothing was reserved for. `marks` are annotations that whoever
    takes its place is to carry.
    """

    node: int
    replaces: str
    marks: Labels = ()


@dataclass(frozen=True, slots=True, eq=False)
class KeptRoom:
    """Room kept for failures, as placement sees it.

    Parameters
    ----------
    room
        Shape ``(n, r)``: kept from all pods but those that were promised a place.
    promised
        Shape ``(n, r)``: what of it even those may not take, for others were promised it.
    places
        Of pending pods that replace lost ones, by key: the node reserved for the lost pod, if any.
    """

    room: NDArray[np.int64]
    promised: NDArray[np.int64]
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def reserved(self) -> NDArray[np.int64]:
        """Kept for failures still to come, shape ``(n, r)``."""
        return self.room - self.promised
