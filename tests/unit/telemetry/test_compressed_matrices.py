"""Matrices in compressed files, and the form small enough for a ConfigMap."""

import base64
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator.planetlab import load_snapshots
from telemetry.errors import MatrixError
from telemetry.model import UNKNOWN_US, RttMatrix
from telemetry.sources.compression import decompressed
from telemetry.sources.file import read_matrix
from telemetry.sources.packednpz import packed_npz

CONFIG_MAP_BYTES = 1 << 20
CSV = b"a,b\n0,5\n6.5,0\n"
JSON = b'{"a": {"b": 5}, "b": {"a": 6.5}}'


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
@pytest.mark.parametrize(
    ("name", "content"), [("m.csv", CSV), ("m.json", JSON)], ids=["csv", "json"]
)
def test_a_compressed_matrix_reads_as_the_plain_one(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str, content: bytes
) -> None:
    suffix = ".gz" if compress is gzip.compress else ".xz"

    matrix = read_matrix(written(tmp_path / f"{name}{suffix}", compress(content)))

    assert matrix.nodes == ("a", "b")
    assert matrix.rtt_us.tolist() == [[0, 5_000], [6_500, 0]]


def test_compressed_text_takes_its_names_from_metadata(tmp_path: Path) -> None:
    names = written(tmp_path / "rows.json", b'{"a": 0, "b": 1}')
    matrix = read_matrix(written(tmp_path / "m.txt.gz", gzip.compress(b"0 5\n6.5 0")), names)

    assert matrix.rtt_us.tolist() == [[0, 5_000], [6_500, 0]]


def test_a_compressed_file_larger_than_what_is_looked_at_first_is_read_to_its_end(
    tmp_path: Path,
) -> None:
    rows = np.random.default_rng(1).integers(1, 10**6, (200, 200))
    np.fill_diagonal(rows, 0)
    text = "\n".join(",".join(f"{v / 1000}" for v in row) for row in rows)
    header = ",".join(f"n{k}" for k in range(200))
    content = gzip.compress(f"{header}\n{text}\n".encode())
    assert len(content) > 1 << 16

    assert (read_matrix(written(tmp_path / "m.csv.gz", content)).rtt_us == rows).all()


def test_several_streams_in_a_row_and_padding_are_one_file() -> None:
    for compress in (gzip.compress, lzma.compress):
        content = compress(b"0 5\n") + compress(b"6 0\n") + b"\0" * 8

        assert decompressed(content, "m") == b"0 5\n6 0\n"


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_file_that_unpacks_to_too_much_is_refused(compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MatrixError, match=r"^m\.gz: unpacks to more than 1000 bytes; give"):
        decompressed(compress(b"0" * 1001), "m.gz", max_bytes=1000)
    assert len(decompressed(compress(b"0" * 1000), "m.gz", max_bytes=1000)) == 1000


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_file_cut_short_is_refused(compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MatrixError, match="ends before its data does"):
        decompressed(compress(CSV)[:-4], "m.gz")


def test_a_damaged_file_is_refused() -> None:
    content = bytearray(gzip.compress(CSV))
    content[-6] ^= 0xFF

    with pytest.raises(MatrixError, match="is damaged"):
        decompressed(bytes(content), "m.gz")


def read_packed(tmp_path: Path, matrix: RttMatrix) -> RttMatrix:
    return read_matrix(written(tmp_path / "matrix.npz", packed_npz(matrix)))


def test_the_packed_form_gives_back_every_microsecond(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rtt_us = rng.integers(0, 600_000_000, (40, 40), dtype=np.int32)
    rtt_us[rng.random((40, 40)) < 0.2] = UNKNOWN_US
    matrix = RttMatrix(tuple(f"edge-{k}.example.net" for k in range(40)), rtt_us)

    read = read_packed(tmp_path, matrix)

    assert read.nodes == matrix.nodes
    assert (read.rtt_us == matrix.rtt_us).all()


def test_one_node_alone_can_be_packed(tmp_path: Path) -> None:
    assert read_packed(tmp_path, RttMatrix(("a",), np.zeros((1, 1), np.int32))).nodes == ("a",)


def test_equal_matrices_pack_to_equal_bytes() -> None:
    matrix = RttMatrix(("a", "b"), np.array([[0, 1], [2, 0]], dtype=np.int32))

    assert packed_npz(matrix) == packed_npz(matrix)


def test_490_measured_nodes_fit_into_a_config_map_twice(tmp_path: Path) -> None:
    matrix = RttMatrix(tuple(f"node-{k}" for k in range(490)), load_snapshots()[0])
    content = packed_npz(matrix)

    assert (read_matrix(written(tmp_path / "m.npz", content)).rtt_us == matrix.rtt_us).all()
    assert len(base64.b64encode(content)) < CONFIG_MAP_BYTES / 2


def test_490_nodes_whose_directions_differ_fit_into_a_config_map() -> None:
    noise = np.random.default_rng(0).integers(0, 3_000, (490, 490), dtype=np.int32)
    matrix = RttMatrix(tuple(f"node-{k}" for k in range(490)), load_snapshots()[0] + noise)

    assert len(base64.b64encode(packed_npz(matrix))) < 0.75 * CONFIG_MAP_BYTES


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, allow_pickle=False, **{k: np.asarray(v) for k, v in arrays.items()})
    return path


@pytest.mark.parametrize(
    ("upper", "back", "said"),
    [
        (np.zeros((4, 2), np.uint8), np.zeros((4, 1), np.uint8), "upper_us: is uint8 of shape"),
        (np.zeros((4, 1), np.uint8), np.zeros((4, 1)), "back_us: is float64 of shape"),
        (np.full((4, 1), 255, np.uint8), np.full((4, 1), 255, np.uint8), "back_us: holds an RTT"),
        (np.full((4, 1), 127, np.uint8), np.zeros((4, 1), np.uint8), "upper_us: holds an RTT"),
    ],
    ids=["shape", "type", "below", "above"],
)
def test_a_packed_file_of_another_form_is_refused(
    tmp_path: Path, upper: object, back: object, said: str
) -> None:
    path = saved(tmp_path / "m.npz", nodes=["a", "b"], upper_us=upper, back_us=back)

    with pytest.raises(MatrixError, match=said):
        read_matrix(path)


def test_a_packed_file_that_names_a_node_twice_is_refused(tmp_path: Path) -> None:
    planes = np.zeros((4, 1), np.uint8)
    path = saved(tmp_path / "m.npz", nodes=["a", "a"], upper_us=planes, back_us=planes)

    with pytest.raises(MatrixError, match="has 1 names for 2 rows"):
        read_matrix(path)
