"""Settings of measuring before a binding."""

from typing import Annotated

import msgspec

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class VerifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whether a delay is measured once more before a pod is bound; needs agents.

    With files and exporters alone, and where no agent of either node answers, the age limit of the
    source decides.
    """

    enabled: bool = True
    """Bind on a measurement as old as its source allows, or have older ones measured first?"""

    max_age_seconds: _Seconds = 30.0
    """A deciding pair measured longer ago is measured anew before the binding. Drift of minutes is
    not known; of hours, 7 % of pairs move by more than a tenth."""

    star_age_seconds: _Seconds = 60.0
    """Before a pod is said to be unschedulable for a delay, all pairs of its reference are measured
    anew unless that was done so recently."""

    timeout_seconds: _Seconds = 2.0
    """For an agent's answer: a star of 490 nodes takes 1.5 s at 1,000 packets a second."""
