"""Settings of cover."""

from typing import Annotated

import msgspec

from scheduler.domain.cover import CoverMode, FailureUnit

_Work = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class CoverEffortSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Bounds on work, never on seconds, so that the same input gives the same plan."""

    passes: Annotated[int, msgspec.Meta(ge=0, le=100)] = 2
    """Times each new pod is tried on all its pairs of host and backup again, once all have one."""

    search: _Work = 0
    """Insertions of pods that a search for smaller reserves may spend. A cycle of the service
    spends none: a first plan of a thousand pods takes half a second. The offline `plan` spends
    more."""

    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    """Of the search's random choices."""

    covers_running: bool = False
    """Whether a decision also covers pods that run already and have no backup. The service does
    that apart, when something changed for them."""

    exact_nodes: _Work = 0
    """Most branch-and-bound nodes of the exact program, which is tried where the relaxation proves
    no optimum and it has at most 30 columns for each of them; 0 tries none."""

    bound_columns: _Work = 0
    """Columns of the linear relaxation that proves how good a plan is, half as many more in its
    coarsest form; 0 proves nothing. 5,000 take a second, 40,000 up to 20 s; 200 pods on 20 nodes
    have 3,000."""


class PlaceholderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Pods of our own that hold the reserves, for schedulers that do not know of them."""

    enabled: bool = False
    """Needs the rights of configs/kubernetes/optional/placeholders.yaml. Off, those that are left
    are deleted."""

    image: Annotated[str, msgspec.Meta(min_length=1)] = "registry.k8s.io/pause:3.10"
    """Does nothing; as a rule every node has it already, for kubelets start pods with it."""

    namespace: Annotated[str, msgspec.Meta(min_length=1, max_length=63)] = "isochrone-placeholders"
    """Where they are kept. One of its own: the right to create pods is limited to it."""

    priority_class_name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = (
        "isochrone-placeholder"
    )
    """The shipped class has priority -10: a pod of another scheduler that fits nowhere else may
    have a placeholder removed. With a class above theirs it waits."""


class CoverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Backups for the day a node dies, in reserves that failures share."""

    mode: CoverMode = "preferred"
    """``required``: a pod that is to be covered is placed only if it is. ``preferred``: as many as
    possible are placed, then as many as possible covered. ``off``: nothing is reserved."""

    unit: FailureUnit = "node"
    """What fails at once: a node, a failure domain (topology.kubernetes.io/zone), or a zone of the
    smallest layer that clustering found."""

    everyone: bool = False
    """Cover pods without a delay too. They can run anywhere; the room kept for them grows with the
    largest node."""

    reserve_weight: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 20_000_000
    """Cost units for reserving a whole node of mean size. As much as 20 s of RTT: of all hosts and
    backups within a pod's budgets those are taken that need the least reserve, the nearest among
    them. At a hundredth of it, a pod that takes a tenth of a node goes at most 20 ms farther."""

    effort: CoverEffortSettings = CoverEffortSettings()
    placeholders: PlaceholderSettings = PlaceholderSettings()


NO_COVER = CoverSettings(mode="off")
