"""Reads what a scheduler answered, and believes nothing that is out of range.

An answer is used whole or not at all. Whoever can answer can have packets sent, so numbers are
bounded here, and the pace once more by the agent's own limit.
"""

import json

from telemetry.agent import wire
from telemetry.agent.answer import Answer, BadAnswer
from telemetry.agent.config import is_numeric
from telemetry.agent.typed import NamedTuple

MOST_PEERS = 50_000
MOST_ORDERS = 1024
"""Urgent orders at once."""

_EXACT = 2**53
_LONGEST_NAME = 253
_INSTANCE = 32
_HEXADECIMAL = frozenset("0123456789abcdef")
_REPORT_MS = (100, 3_600_000)
_MOST_PPS = 1e6
_LONGEST_RETRY_S = 300
_TAKEN = 200


class PeerChange(NamedTuple):
    """How the list of peers changed, or, if `is_whole`, what it is now: addresses by name."""

    version: int
    is_whole: bool
    added: dict[str, str]
    gone: tuple[str, ...]


class Standing(NamedTuple):
    """Orders that hold until others come."""

    version: int
    star: bool
    near: tuple[str, ...]


class Urgent(NamedTuple):
    """Peers to be measured at once; None for all."""

    order_id: int
    peers: tuple[str, ...] | None


class Told(NamedTuple):
    """The answer to a report that was taken; `telemetry.agent.wire` says what the fields mean."""

    instance: str
    taken: int
    is_leading: bool
    peers: PeerChange | None
    orders: Standing | None
    urgent: tuple[Urgent, ...]
    report_s: float
    pps: float
    urgent_pps: float


class Refused(NamedTuple):
    """The answer to a report that was not taken.

    `instance` and `taken` are empty and -1 where the answer does not hold them, `retry_s` 0.
    """

    status: int
    reason: str
    said: str
    instance: str
    taken: int
    retry_s: float


def read(answer: Answer) -> Told | Refused:
    """Return what an answer says.

    Raises
    ------
    BadAnswer
        If a report was taken, and what else is said is not what `telemetry.agent.wire` describes.
    """
    if answer.status != _TAKEN:
        return _refused(answer)
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise BadAnswer("an answer that is no JSON") from None
    fields = _fields(said, "the answer")
    if fields.get("v") != wire.VERSION:
        raise BadAnswer(f"an answer of version {_short(fields.get('v'))}, not {wire.VERSION}")
    return Told(
        instance=_instance(fields.get("instance")),
        taken=_count(fields, "taken"),
        is_leading=_flag(fields, "leading"),
        peers=None if fields.get("peers") is None else _peers(fields["peers"]),
        orders=None if fields.get("orders") is None else _standing(fields["orders"]),
        urgent=_urgent(fields.get("urgent")),
        report_s=_count(fields, "report_ms", *_REPORT_MS) / 1000,
        pps=_pace(fields, "pps"),
        urgent_pps=_pace(fields, "urgent_pps"),
    )


def _refused(answer: Answer) -> Refused:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = {}
    fields = said if isinstance(said, dict) else {}
    taken = fields.get("taken")
    retry = answer.headers.get("retry-after", "")
    # A date, which is the other form of it, would need a clock that is set.
    retry_s = int(retry[:9]) if retry.isascii() and retry.isdecimal() else 0
    return Refused(
        status=answer.status,
        reason=_text(fields.get("reason")),
        said=_text(fields.get("error")),
        instance=_text(fields["instance"]) if _is_instance(fields.get("instance")) else "",
        taken=taken if isinstance(taken, int) and 0 <= taken <= _EXACT else -1,
        retry_s=float(min(retry_s, _LONGEST_RETRY_S)),
    )


def _peers(said: object) -> PeerChange:
    fields = _fields(said, "peers")
    added: dict[str, str] = {}
    for pair in _many(fields.get("set"), "peers.set", MOST_PEERS):
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - a name and an address
            raise BadAnswer(f"peers.set holds {_short(pair)}, not a name and an address")
        added[_name(pair[0], "peers.set")] = _address(pair[1])
    gone = _names(fields.get("gone"), "peers.gone", MOST_PEERS)
    return PeerChange(_count(fields, "version", 1), _flag(fields, "whole"), added, gone)


def _standing(said: object) -> Standing:
    fields = _fields(said, "orders")
    near = _names(fields.get("near"), "orders.near", MOST_PEERS)
    return Standing(_count(fields, "version", 1), _flag(fields, "star"), near)


def _urgent(said: object) -> tuple[Urgent, ...]:
    orders = []
    for one in _many(said, "urgent", MOST_ORDERS):
        fields = _fields(one, "urgent")
        peers = fields.get("peers")
        names = None if peers is None else _names(peers, "urgent.peers", MOST_PEERS)
        orders.append(Urgent(_count(fields, "id"), names))
    return tuple(orders)


def _fields(said: object, what: str) -> dict[str, object]:
    if not isinstance(said, dict):
        raise BadAnswer(f"{what}: {_short(said)}, not an object")
    return said


def _many(said: object, what: str, most: int) -> list[object]:
    if not isinstance(said, list) or len(said) > most:
        raise BadAnswer(f"{what} is not a list of at most {most}")
    return said


def _names(said: object, what: str, most: int) -> tuple[str, ...]:
    return tuple(_name(one, what) for one in _many(said, what, most))


def _name(said: object, what: str) -> str:
    if isinstance(said, str) and 0 < len(said) <= _LONGEST_NAME and said.isprintable():
        return said
    raise BadAnswer(f"{what} holds {_short(said)}, not a node's name")


def _address(said: object) -> str:
    if isinstance(said, str) and is_numeric(said) and not _is_for_many(said):
        return said
    raise BadAnswer(f"peers.set holds {_short(said)}, not one host's numeric address")


def _is_for_many(address: str) -> bool:
    """Tell whether a packet to an address could be answered by many, or by nobody."""
    if ":" in address:
        return address.lower().startswith("ff") or address == "::"
    first = int(address.partition(".")[0])
    return first == 0 or first >= 224  # noqa: PLR2004 - where IPv4 multicast begins


def _count(fields: dict[str, object], name: str, least: int = 0, most: int = _EXACT) -> int:
    said = fields.get(name)
    if isinstance(said, int) and not isinstance(said, bool) and least <= said <= most:
        return said
    raise BadAnswer(f"{name} is {_short(said)}, not a whole number from {least} to {most}")


def _pace(fields: dict[str, object], name: str) -> float:
    said = fields.get(name)
    if isinstance(said, int | float) and not isinstance(said, bool) and 0.0 < said <= _MOST_PPS:
        return float(said)
    raise BadAnswer(f"{name} is {_short(said)}, not a number above 0")


def _flag(fields: dict[str, object], name: str) -> bool:
    said = fields.get(name)
    if isinstance(said, bool):
        return said
    raise BadAnswer(f"{name} is {_short(said)}, neither true nor false")


def _instance(said: object) -> str:
    if _is_instance(said):
        return str(said)
    raise BadAnswer(f"instance is {_short(said)}, not {_INSTANCE} hexadecimal digits")


def _is_instance(said: object) -> bool:
    return isinstance(said, str) and len(said) == _INSTANCE and set(said) <= _HEXADECIMAL


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


def _short(said: object) -> str:
    text = repr(said) if isinstance(said, str | int | float | None) else type(said).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a log
