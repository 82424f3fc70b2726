"""Settings of leader election: which Lease, and how long it holds."""

from typing import Annotated

import msgspec

JITTER = 1.2
"""Retries wait up to a fifth longer at random, so that replicas do not ask in step."""

_HOUR_S = 3600
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=_HOUR_S)]
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_Name = Annotated[str, msgspec.Meta(max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*\Z")]
_Namespace = Annotated[str, msgspec.Meta(max_length=63, pattern=rf"^{_LABEL}\Z")]


class LeaderElectionSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"
):
    """Whether replicas elect one that acts. The times are kube-scheduler's defaults."""

    enabled: bool = False
    """Off, this scheduler acts at once: two of the same name would decide on the same pods."""

    lease_seconds: Annotated[int, msgspec.Meta(ge=1, le=_HOUR_S)] = 15
    """How long others wait for a leader that says nothing. A Lease holds whole seconds."""

    renew_deadline_seconds: _Seconds = 10.0
    """How long a leader believes in itself after its last renewal."""

    retry_seconds: _Seconds = 2.0
    """Between two attempts to take or renew the Lease."""

    name: _Name = "isochrone"
    """Of the Lease. Replicas that share the work must share it; others must not."""

    namespace: _Namespace = "kube-system"
    """Of the Lease."""

    def fault(self) -> tuple[str, str, str] | None:
        """Return a key, what is wrong and the fix where values are legal alone and not together.

        A leader must give up before others may take over, and must have a second chance to renew.
        """
        if self.lease_seconds <= self.renew_deadline_seconds:
            return (
                "leaseSeconds",
                f"is {self.lease_seconds}, not above renewDeadlineSeconds",
                f"give more than {self.renew_deadline_seconds:g}",
            )
        least_s = self.retry_seconds * JITTER
        if self.renew_deadline_seconds <= least_s:
            return (
                "renewDeadlineSeconds",
                f"is {self.renew_deadline_seconds:g}, not above {JITTER} retrySeconds",
                f"give more than {least_s:g}",
            )
        return None
