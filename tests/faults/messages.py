"""What is asked of the API server, and what it answers."""

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Request:
    """What a process asks; `process` is its name, `number` counts all requests of an episode."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    process: str
    number: int

    @property
    def is_watch(self) -> bool:
        """Whether the answer is a stream."""
        return "watch" in self.query

    @property
    def is_binding(self) -> bool:
        """Whether a pod is to be bound."""
        return self.method == "POST" and self.path.endswith("/binding")

    @property
    def is_eviction(self) -> bool:
        """Whether a pod is to leave its node."""
        return self.method == "POST" and self.path.endswith("/eviction")

    @property
    def plural(self) -> str:
        """Of the kind that is listed or watched."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


def refusal(code: int, message: str, **headers: str) -> Answer:
    """Return a Status."""
    status = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return Answer(code, msgspec.json.encode(status), headers)
