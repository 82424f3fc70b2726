"""What kube-controller-manager is to run, and with which flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_USUAL = (
    "daemonset",
    "deployment",
    "disruption",
    "endpointslice",
    "ephemeral-volume",
    "garbage-collector",
    "job",
    "namespace",
    "persistentvolume-binder",
    "persistentvolume-protection",
    "persistentvolumeclaim-protection",
    "replicaset",
    "root-ca-certificate-publisher",
    "serviceaccount",
    "serviceaccount-token",
    "statefulset",
)


@dataclass(frozen=True, slots=True)
class Controllers:
    """A choice of controllers.

    Parameters
    ----------
    names
        Without their ``-controller``.
    flags
        Beside those that every control plane here needs.
    """

    names: tuple[str, ...] = _USUAL
    flags: Mapping[str, str] = field(default_factory=dict)

    def as_flags(self) -> dict[str, str]:
        """Return all of it as kube-controller-manager takes it."""
        return {"controllers": ",".join(f"{name}-controller" for name in self.names), **self.flags}


USUAL = Controllers()
"""Those that need no kubelet."""

GRACE_S = 4
"""How old a node's last heartbeat grows before it is dead: four beats (`heartbeats.BEAT_S`)."""

NODE_DEATHS = Controllers(
    (*_USUAL, "node-lifecycle", "taint-eviction"),
    {
        "node-monitor-grace-period": f"{GRACE_S}s",
        # How often dead nodes are looked for.
        "node-monitor-period": "200ms",
        # Dead nodes tainted for eviction a second, one at once: the default, 0.1, would hold back
        # a node that dies within 10 s of another.
        "node-eviction-rate": "10",
        # The same where more than `unhealthy-zone-threshold` of a zone's nodes are dead; it is 0
        # in clusters of up to `large-cluster-size-threshold` nodes.
        "secondary-node-eviction-rate": "10",
        "large-cluster-size-threshold": "0",
    },
)
"""Those, and the two that mind dead nodes, made quick. Nodes need `Heartbeats` then."""
