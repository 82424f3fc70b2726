"""Settings of failover: when a node is believed, and what may be done about a dead one."""

from typing import Annotated, Literal

import msgspec

ForceDelete = Literal["off", "delete", "outOfService"]

_DAY_S = 86_400
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=_DAY_S)]
_Window = Annotated[float, msgspec.Meta(gt=0, le=_DAY_S)]


class FailoverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is made of nodes that die and return."""

    hold_down_seconds: _Seconds = 10.0
    """A node that is back from the dead takes no new pods for so long; twice as long with each
    further death within the flap window. One renewal of a node's Lease with Kubernetes' defaults:
    a node that misses the next one was not back. 0 trusts at once."""

    max_hold_down_seconds: _Seconds = 300.0
    """Longest hold-down: the time after which Kubernetes by default gives a dead node's pods up."""

    flap_window_seconds: _Window = 600.0
    """Deaths longer ago than this are forgiven: twice the longest hold-down, so that a node that
    dies whenever it is trusted again is not forgiven."""

    suspect_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """When more than this share of all nodes, and at least three, vanish within the suspect
    window, then it is the observer who may be cut off, and nothing rash is done until most are
    back. 1 never suspects."""

    suspect_window_seconds: _Window = 60.0
    """Nodes cut off together are told of within some seconds of each other: each renews its Lease
    every 10 s, and the node controller looks every 5 s, with Kubernetes' defaults."""

    agent_quorum: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """A node whose own agent is silent counts as dead, while the API server still hopes, when this
    share of the agents asked about it lost their last three bursts to it: at least three agents.
    0 waits for the API server. 0.8 allows for one in five that is wrong."""

    force_delete: ForceDelete = "off"
    """What is done about pods stuck on a node that has fallen silent. ``delete``: those of ours
    that are terminating are removed without their kubelet's word. ``outOfService``: the node is
    given the taint ``node.kubernetes.io/out-of-service``, which makes Kubernetes remove its pods
    and detach its volumes. Both may run a pod twice where the node lives on unseen."""

    force_after_seconds: Annotated[float, msgspec.Meta(ge=5, le=_DAY_S)] = 30.0
    """… once it has been silent for so long; longer than nodes that are cut off together need to
    be told of, so that the observer is suspected first."""

    deletions_per_minute: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 60
    """Most pods removed, or nodes tainted, within a minute: a mistake can be noticed in time."""

    def fault(self) -> tuple[str, str, str] | None:
        """Return the key, what is wrong with it and what to do; None if all is right."""
        if self.hold_down_seconds > self.max_hold_down_seconds:
            most = f"{self.max_hold_down_seconds:g}"
            return "holdDownSeconds", "exceeds maxHoldDownSeconds", f"give at most {most}"
        return None
