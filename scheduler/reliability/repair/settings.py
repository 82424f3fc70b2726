"""Settings of repair."""

from typing import Annotated, Literal

import msgspec

RepairMode = Literal["off", "dryRun", "evict"]

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class RepairSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Pods that run are moved by the Eviction API, which respects PodDisruptionBudgets."""

    mode: RepairMode = "evict"
    """``evict``: a pod whose budget is broken is made to leave, where a place within all its
    budgets is kept for its successor. ``dryRun``: what would be moved, and why, is only told.
    ``off``: nothing is looked for. Only pods of a ReplicaSet, a ReplicationController, a
    StatefulSet or a Deployment are moved: their controllers make another at once."""

    after_seconds: _Seconds = 30.0
    """A budget has to be broken for so long without a break where RTTs come from files, Goldpinger
    or Prometheus. Where agents measure, ``telemetry.confirmations`` decides."""

    moves_per_workload_and_hour: _Count = 10
    """Most pods of one workload moved within an hour, one at a time."""

    moves_at_once: _Count = 5
    """Most pods on their way at a time, of all workloads together."""

    bad_place_seconds: _Seconds = 3_600.0
    """For so long no pod of a workload is moved to a node on which its budget was broken."""

    surge: bool = False
    """Make before break: a Deployment that surges when it is updated (``maxSurge`` above 0) is
    asked for one replica more first; the pod leaves once its successor is ready. Others are
    evicted. Off, as who else sets replicas (an autoscaler, a repository) may undo it."""

    surge_seconds: _Seconds = 300.0
    """For so long a successor may take to be ready; then the surplus is taken back, and the pod
    stays."""

    come_home: bool = False
    """Whether pods that were replaced elsewhere when their node died go back once it has returned:
    only where no budget is broken by it, and no fewer pods are covered."""

    home_after_seconds: _Seconds = 60.0
    """For how long a node has to be back before pods come home."""

    even_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """A pod is moved from a full node to an emptier one only if the fuller of both is by so much
    less full after it, as a share of a node: 0.2 is a fifth. 0 moves none. One pod a minute, when
    there is nothing to repair."""
