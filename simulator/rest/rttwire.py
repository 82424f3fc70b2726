"""RTT tables as bytes: arrays as they lie in memory, so that 12,500 metro nodes take kilobytes."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.model import MetroRtt, RttMatrix, RttTable

_INT32 = np.dtype("<i4")


class _Matrix(msgspec.Struct, tag="matrix"):
    nodes: tuple[str, ...]
    source: str
    rtt_us: bytes


class _Metros(msgspec.Struct, tag="metros"):
    """`overrides` holds a row, a column and a value of each pair that differs."""

    nodes: tuple[str, ...]
    metro: bytes
    metro_rtt_us: bytes
    access_us: bytes
    overrides: bytes


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Matrix | _Metros)


def to_bytes(table: RttTable) -> bytes:
    """Return a table as bytes.

    Raises
    ------
    TypeError
        If it is a table of another type than the embedded cluster makes.
    """
    match table:
        case RttMatrix():
            return _ENCODER.encode(_Matrix(table.nodes, table.source, _bytes(table.rtt_us)))
        case MetroRtt():
            triples = [(i, j, value) for (i, j), value in table.overrides.items()]
            metros = _Metros(
                table.nodes,
                _bytes(table.metro),
                _bytes(table.metro_rtt_us),
                _bytes(table.access_us),
                _bytes(np.array(triples, dtype=_INT32)),
            )
            return _ENCODER.encode(metros)
        case _:
            raise TypeError(f"a {type(table).__name__} is not sent")


def from_bytes(sent: bytes) -> RttTable:
    """Return the table that `to_bytes` made bytes of.

    Raises
    ------
    ValueError
        If the bytes are no table.
    """
    try:
        read = _DECODER.decode(sent)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no RTT table: {error}") from None
    n = len(read.nodes)
    if isinstance(read, _Matrix):
        return RttMatrix(read.nodes, _array(read.rtt_us).reshape(n, n), read.source)
    metro_rtt_us = _array(read.metro_rtt_us)
    m = int(np.sqrt(len(metro_rtt_us)))
    triples = _array(read.overrides).reshape(-1, 3).tolist()
    return MetroRtt(
        read.nodes,
        _array(read.metro),
        metro_rtt_us.reshape(m, m),
        _array(read.access_us),
        {(i, j): value for i, j, value in triples},
    )


def _bytes(values: NDArray[np.int32]) -> bytes:
    return np.ascontiguousarray(values, dtype=_INT32).tobytes()


def _array(raw: bytes) -> NDArray[np.int32]:
    return np.frombuffer(raw, dtype=_INT32).astype(np.int32)
