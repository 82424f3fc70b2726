"""Reads a report: its head, then its records as columns, each value checked.

A report is taken whole or not at all: one record out of range, and none is used. Only records of
peers that nobody knows are passed over, since nodes come and go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.agent.wire import HEAD, LOST_US, METHODS, RECORD, node_key
from telemetry.ingest.refusal import Refusal
from telemetry.model import MAX_RTT_US
from telemetry.rows import MeasuredRow

_EXACT = 2**53
"""Larger whole numbers are not the same in every reader of JSON."""

_MOST_ANSWERS = 1024
_MOST_SENT = 64
_DAY_MS = 86_400_000

_Count = Annotated[int, msgspec.Meta(ge=0, le=_EXACT)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class ReportHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The head of a report; `telemetry.agent.wire` says what each field means."""

    v: Literal[1]
    node: _Name
    run: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    seq: Annotated[int, msgspec.Meta(ge=1, le=_EXACT)]
    to: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?\Z")]
    whole: bool
    records: _Count
    method: Literal["icmp", "udp", "tcp"]
    peers: _Count
    orders: _Count
    answers: Annotated[list[_Count], msgspec.Meta(max_length=_MOST_ANSWERS)]
    hold_ms: _Count
    probes: _Count
    losses: _Count
    dropped: _Count


_HEAD = msgspec.json.Decoder(ReportHead)

_RECORD = np.dtype(
    [
        ("key", "<u8"),
        ("rtt_us", "<u4"),
        ("least_us", "<u4"),
        ("age_ms", "<u4"),
        ("sent", "u1"),
        ("lost", "u1"),
        ("method", "u1"),
        ("zero", "u1"),
    ]
)


class KnownNodes:
    """The nodes that may be named in a report, by their keys.

    Parameters
    ----------
    names
        All nodes, each once.
    """

    def __init__(self, names: Iterable[str]) -> None:
        keyed = sorted((node_key(name), name) for name in names)
        self.names: tuple[str, ...] = tuple(name for _, name in keyed)
        """In the order of their keys."""
        # One more than all keys, so that a place behind the last can be looked at like any other.
        self._keys = np.array([key for key, _ in keyed] + [2**64 - 1], dtype=np.uint64)

    def __len__(self) -> int:
        return len(self.names)

    def places(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the place of each key, and which of the keys are a node's; shapes ``(k,)``."""
        at = np.searchsorted(self._keys[:-1], keys)
        return at, (self._keys[at] == keys) & (at < len(self.names))

    def name_of(self, key: int) -> str:
        """Return what to call a key to people."""
        at, known = self.places(np.array([key], dtype=np.uint64))
        return self.names[at[0]] if known[0] else f"key {key}"


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of a report; `strangers` were of peers nobody knows, and are left out."""

    row: MeasuredRow
    strangers: int


def read_head(body: bytes) -> ReportHead:
    """Return the head of a report, and make sure that as many records follow as it says.

    Raises
    ------
    Refusal
        With the reason ``form``.
    """
    if len(body) < HEAD.size:
        raise Refusal("form", f"a report of {len(body)} bytes has no head; {_SEE}")
    (length,) = HEAD.unpack_from(body)
    rest = len(body) - HEAD.size - length
    if rest < 0:
        raise Refusal("form", f"the report ends within its head of {length} bytes; {_SEE}")
    try:
        head = _HEAD.decode(memoryview(body)[HEAD.size : HEAD.size + length])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("form", f"the head of the report: {error}; {_SEE}") from None
    if rest != head.records * RECORD.size:
        what = f"{rest} bytes follow the head, not {head.records} records of {RECORD.size} bytes"
        raise Refusal("form", f"{what}; {_SEE}")
    if head.losses > head.probes:
        raise Refusal("form", f"{head.losses} losses of {head.probes} probes; send no more losses")
    return head


def read_records(body: bytes, head: ReportHead, known: KnownNodes) -> Records:
    """Return the records that follow `head`, which `read_head` read from the same `body`.

    Raises
    ------
    Refusal
        With the reason ``form``, if any record is out of range, of the node itself, or of a peer
        that another record is of.
    """
    start = len(body) - head.records * RECORD.size
    table = np.frombuffer(body, dtype=_RECORD, count=head.records, offset=start)
    # Columns of their own: those of the table are neither aligned nor dense, and hold the body.
    columns = {name: np.ascontiguousarray(table[name]) for name in _RECORD.names or ()}
    _check_values(columns, head, known)
    keys = columns["key"]
    at, is_known = known.places(keys)
    _check_once(keys, at, is_known, known)
    strangers = len(keys) - int(np.count_nonzero(is_known))
    if strangers:
        columns = {name: column[is_known] for name, column in columns.items()}
    row = MeasuredRow(
        node=head.node,
        peers=columns["key"],
        # What is lost is 0xFFFFFFFF, which is -1 to a signed reader: `UNKNOWN_US`.
        rtt_us=columns["rtt_us"].view(np.int32),
        least_us=columns["least_us"].view(np.int32),
        age_ms=columns["age_ms"],
        sent=columns["sent"],
        lost=columns["lost"],
        method=columns["method"],
    )
    return Records(row, strangers)


_SEE = "send what telemetry/agent/wire.py describes"

_Columns = dict[str, NDArray[np.uint64]]


def _check_values(columns: _Columns, head: ReportHead, known: KnownNodes) -> None:
    rtt_us, least_us = columns["rtt_us"], columns["least_us"]
    sent, lost = columns["sent"], columns["lost"]
    is_lost = rtt_us == LOST_US
    # One less than 0 is the largest number there is, so that each line looks at both ends.
    one = np.uint32(1)
    faults: Sequence[tuple[NDArray[np.bool_], str]] = (
        (columns["key"] == node_key(head.node), "is of the node itself; send other nodes only"),
        (columns["zero"] != 0, f"does not end in 0; {_SEE}"),
        (sent - np.uint8(1) >= _MOST_SENT, f"sent no packet, or more than {_MOST_SENT}"),
        (lost > sent, "lost more packets than were sent"),
        (
            columns["method"] - np.uint8(1) >= len(METHODS),
            f"names no method of 1 to {len(METHODS)}",
        ),
        (columns["age_ms"] > _DAY_MS, "is older than a day; leave it out"),
        (is_lost != (lost == sent), f"has an RTT of {LOST_US}, and must exactly when all is lost"),
        (is_lost != (least_us == LOST_US), "has a least RTT, or a median, without the other"),
        (~is_lost & (rtt_us - one >= MAX_RTT_US), f"has an RTT beyond 1 to {MAX_RTT_US} us"),
        (~is_lost & (least_us - one >= rtt_us), "has a least RTT of 0, or above the median"),
    )
    for is_bad, said in faults:
        if is_bad.any():
            number = int(np.argmax(is_bad))
            whose = known.name_of(int(columns["key"][number]))
            raise Refusal("form", f"record {number + 1} ({whose}) {said}")


def _check_once(
    keys: NDArray[np.uint64],
    at: NDArray[np.int64],
    is_known: NDArray[np.bool_],
    known: KnownNodes,
) -> None:
    """Refuse a peer that two records are of; whether it is known makes no difference."""
    counts = np.bincount(at[is_known], minlength=1)
    if counts.max() > 1:
        name = known.names[int(np.argmax(counts))]
        raise Refusal("form", f"two records are of {name}; send the newer one")
    strangers = keys[~is_known]
    if len(strangers) and len(np.unique(strangers)) < len(strangers):
        raise Refusal("form", "two records are of one peer; send the newer one")
