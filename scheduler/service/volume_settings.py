"""Settings of volumes: how long a pod's claims may take to be bound."""

from typing import Annotated

import msgspec

_DAY_S = 86_400


class VolumeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What becomes of a pod's volumes before it is bound."""

    bind_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=_DAY_S)] = 600.0
    """Claims that wait for their pod are bound, or provisioned, within so long, or the pod gives
    its node back and is decided on anew. kube-scheduler's default (``bindTimeoutSeconds``)."""
