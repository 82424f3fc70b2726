"""Why a report is not taken, as it is answered."""

from collections.abc import Mapping
from typing import Literal

Reason = Literal["token", "node", "size", "rate", "form", "instance", "run", "sequence", "busy"]
"""As `telemetry.agent.wire` describes them."""

_STATUS: Mapping[Reason, int] = {
    "token": 401,
    "node": 403,
    "size": 413,
    "rate": 429,
    "form": 400,
    "instance": 409,
    "run": 409,
    "sequence": 409,
    "busy": 503,
}
NO_REPORT = 415
"""The status of a body that is not a report at all; its reason is ``form`` too."""


class Refusal(Exception):
    """A report is not taken, and nothing of it was used.

    Parameters
    ----------
    reason
        One of `Reason`.
    said
        A sentence for people: what, and what would be right.
    status
        HTTP status; the reason's own unless given.
    retry_s
        When to try again, whole seconds; 0 where that would not help.
    more
        What the answer holds besides.
    """

    def __init__(
        self,
        reason: Reason,
        said: str,
        *,
        status: int = 0,
        retry_s: int = 0,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(said)
        self.reason, self.said, self.retry_s = reason, said, retry_s
        self.status = status or _STATUS[reason]
        self.more = dict(more or {})
