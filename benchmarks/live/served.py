"""What the API server served a scheduler and when, read from the server's audit log.

The server keeps it of every client alike, so that parts of a start-up are told of each scheduler by
the same clock, and from outside.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import yaml

_LIST, _WATCH, _CREATE = "list", "watch", "create"


class _Subject(msgspec.Struct, rename="camel"):
    resource: str = ""
    subresource: str = ""


class Served(msgspec.Struct, frozen=True, rename="camel"):
    """One request that was answered, or a watch whose answer has begun."""

    verb: str
    request_received_timestamp: datetime
    stage_timestamp: datetime
    user_agent: str = ""
    object_ref: _Subject = msgspec.field(default_factory=_Subject)


class Parts(msgspec.Struct, frozen=True):
    """A start-up up to the first binding, seconds since the process began.

    Parameters
    ----------
    asked_s
        Its first request arrives: the program is loaded.
    listed_s
        The last page of pods is sent; None where pods came as a stream, whose end no log tells.
    sent_s
        Its binding arrives.
    bound_s
        The binding is answered.
    """

    asked_s: float
    listed_s: float | None
    sent_s: float
    bound_s: float


def flags(place: Path) -> list[str]:
    """Write the policy of the audit log into a folder; return what the API server is started with.

    Only lists, watches and bindings are kept: what a scheduler asks for before it binds.
    """
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "verbs": [_LIST, _WATCH]},
            {
                "level": "Metadata",
                "verbs": [_CREATE],
                "resources": [{"group": "", "resources": ["pods/binding"]}],
            },
            {"level": "None"},
        ],
    }
    path = place / "audit-policy.yaml"
    path.write_text(yaml.safe_dump(policy))
    return [f"--audit-policy-file={path}", f"--audit-log-path={log_of(place)}"]


def log_of(place: Path) -> Path:
    """Return where the log is."""
    return place / "audit.log"


def read(lines: Iterable[bytes]) -> list[Served]:
    """Return what whole lines of the log tell."""
    return [_SERVED.decode(line) for line in lines if line.endswith(b"\n")]


def parts_of(served: Sequence[Served], began_s: float) -> Parts | None:
    """Return the parts of the start-up of the one scheduler there is, or None without a binding.

    Parameters
    ----------
    served
        In any order, of other clients and of earlier schedulers too: those that came before
        `began_s` are left out, and so is everybody but who bound a pod.
    began_s
        When the process began, seconds since 1970.
    """
    since = [s for s in served if s.request_received_timestamp.timestamp() >= began_s]
    bindings = [s for s in since if s.object_ref.subresource == "binding"]
    if not bindings:
        return None
    first = min(bindings, key=lambda s: s.request_received_timestamp)
    sent_s = first.request_received_timestamp.timestamp()
    own = [s for s in since if _program(s) == _program(first)]
    listed = [
        s.stage_timestamp.timestamp()
        for s in own
        if (s.verb, s.object_ref.resource) == (_LIST, "pods")
        and s.stage_timestamp.timestamp() <= sent_s
    ]
    return Parts(
        asked_s=min(s.request_received_timestamp.timestamp() for s in own) - began_s,
        listed_s=max(listed) - began_s if listed else None,
        sent_s=sent_s - began_s,
        bound_s=first.stage_timestamp.timestamp() - began_s,
    )


def _program(served: Served) -> str:
    """Return who asked: one program may name several of its parts behind its own name."""
    return served.user_agent.partition("/")[0]


_SERVED = msgspec.json.Decoder(Served)
