"""RTT matrices from files: every format, and every way one can be wrong."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from telemetry.errors import MatrixError
from telemetry.model import UNKNOWN_US, RttMatrix
from telemetry.sources.file import read_matrix

TWO = '{"a": 0, "b": 1}'
EXPECTED = [[0, 5_000], [6_500, 0]]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, name: str, content: str | bytes, metadata: str | None = None) -> RttMatrix:
    named = None if metadata is None else write(folder / "metadata.json", metadata)
    return read_matrix(write(folder / name, content), named)


def npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out, allow_pickle=True, **{name: np.asarray(value) for name, value in arrays.items()}
    )
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "metadata"),
    [
        ("spaces.txt", "0 5\n6.5 0\n", TWO),
        ("tabs.txt", "0\t5\r\n6.5\t0\r\n", TWO),
        ("comments.txt", "# ms\n0 5 # first\n\n6.5 0\n", TWO),
        ("mark.txt", b"\xef\xbb\xbf0 5\n6.5 0", TWO),
        ("exponents.txt", "0 5e0\n.65e1 0", TWO),
        ("no_suffix", "0 5\n6.5 0", TWO),
        ("unsorted.txt", "0 6.5\n5 0", '{"b": 0, "a": 1}'),
        ("bare.csv", "0,5\n6.5,0\n", TWO),
        ("header.csv", "a,b\n0,5\n6.5,0\n", None),
        ("both.csv", ",a,b\na,0,5\nb,6.5,0\n", None),
        ("corner.csv", '"from","a","b"\n"a",0,5\n"b",6.5,0\n', None),
        ("rows_swapped.csv", ",a,b\nb,6.5,0\na,0,5\n", None),
        ("side.csv", "a, 0, 5\nb, 6.5, 0\n", None),
        ("semicolons.csv", "a;b\n0;5\n6.5;0\n", None),
        ("header_and_metadata.csv", "a,b\n0,5\n6.5,0\n", TWO),
        ("rows.json", "[[0, 5], [6.5, 0]]", TWO),
        ("named.json", '{"nodes": ["a", "b"], "rtt_ms": [[0, 5], [6.5, 0]]}', None),
        ("us.json", '{"nodes": ["a", "b"], "rtt_us": [[0, 5000], [6500, 0]]}', None),
        ("pairs.json", '{"a": {"b": 5}, "b": {"a": 6.5, "b": 3}}', None),
        ("ms.npz", npz(rtt_ms=[[0, 5], [6.5, 0]], nodes=["a", "b"]), None),
        ("us.npz", npz(rtt_us=[[0, 5000], [6500, 0]]), TWO),
    ],
)
def test_every_format_reads_alike(
    tmp_path: Path, name: str, content: str | bytes, metadata: str | None
) -> None:
    matrix = read(tmp_path, name, content, metadata)

    a, b = matrix.index["a"], matrix.index["b"]
    assert matrix.rtt_us[np.ix_([a, b], [a, b])].tolist() == EXPECTED


def test_names_that_are_numbers_are_told_by_the_corner(tmp_path: Path) -> None:
    matrix = read(tmp_path, "m.csv", ",1,2\n1,0,5\n2,6.5,0\n")

    assert (matrix.nodes, matrix.rtt_us.tolist()) == (("1", "2"), EXPECTED)


def test_a_pair_nobody_measured_is_unknown_in_json(tmp_path: Path) -> None:
    rows = read(tmp_path, "m.json", '{"nodes": ["a", "b"], "rtt_ms": [[0, null], [6.5, 0]]}')
    pairs = read(tmp_path, "m.json", '{"a": {}, "b": {"a": 6.5}}')

    assert rows.rtt_us.tolist() == pairs.rtt_us.tolist() == [[0, UNKNOWN_US], [6_500, 0]]


@pytest.mark.parametrize(
    ("written", "expected_us"),
    [
        ("25", 25_000),
        ("25.0000001", 25_001),
        ("0.30000000000000004", 300),
        ("24.9995", 25_000),
        ("0", 0),
        ("-0.0", 0),
        ("0.0000001", 1),
        ("599999.999", 599_999_999),
        ("600000", 600_000_000),
    ],
)
def test_milliseconds_round_up_but_equality_holds(
    tmp_path: Path, written: str, expected_us: int
) -> None:
    matrix = read(tmp_path, "m.txt", f"0 {written}\n5 0", TWO)

    assert matrix.rtt_us[0, 1] == expected_us


def test_every_whole_microsecond_survives(tmp_path: Path) -> None:
    wanted_us = np.arange(250_000, dtype=np.int64).reshape(500, 500)
    text = "\n".join(" ".join(f"{us / 1000:.3f}" for us in row) for row in wanted_us)
    names = json.dumps({f"n{k}": k for k in range(500)})
    np.fill_diagonal(wanted_us, 0)

    assert np.array_equal(read(tmp_path, "m.txt", text, names).rtt_us, wanted_us)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("0 5\n6", "m.txt:2: row 1 has 1 values where the rows before have 2"),
        ("0 5\n\n6 0 1", "m.txt:3: row 1 has 3 values where the rows before have 2"),
        ("0 x\n6 0", 'm.txt:1: "x" in row 0, column 1 is not a number'),
        ("0 1_0\n6 0", 'm.txt:1: "1_0" in row 0, column 1 is not a number'),
        ("0,5\n6,0", "name the file .csv"),
        ("0 nan\n6 0", "row 0, column 1 (both from 0): is nan"),
        ("0 5\ninf 0", "row 1, column 0 (both from 0): is inf"),
        ("0 5\n-6 0", "row 1, column 0 (both from 0): is -6"),
        ("0 1e400\n6 0", "is inf"),
        ("0 600001\n6 0", "a number of milliseconds from 0 to 600000"),
        ("0 5 1\n6 0 1", "is not a square matrix (rows x columns: 2 x 3)"),
        ("0 5", "is not a square matrix (rows x columns: 1 x 2)"),
        ("0 1 2\n1 0 2\n1 2 0", "names 2 nodes, but"),
        ("0", '"b": has row 1, but'),
        ("# nothing\n", "holds no number"),
        ("", "m.txt: is empty"),
        (" \n\t\n", "m.txt: is empty"),
        (b"\0\1\2", "m.txt: is binary"),
        (b"\x89PNG\r\n\x1a\n", "m.txt: is not UTF-8 text"),
        ("0 5\n6 0".encode("utf-16"), "m.txt: is UTF-16; save it as UTF-8"),
    ],
)  # fmt: skip
def test_malformed_text_is_refused_where_it_stands(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(MatrixError) as caught:
        read(tmp_path, "m.txt", content, TWO)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ('{"a": 0, "b": 0}', '"b": claims row 0, as "a" does'),
        ('{"a": 0, "a": 1}', '"a" is given twice'),
        ('{"a": 0}', "names 1 nodes, but"),
        ('{"a": 0, "b": 2}', '"b": has row 2, but'),
        ('{"a": 0, "b": 1, "c": 2}', '"c": has row 2, but'),
        ('{"a": "0", "b": 1}', '"a": has row "0"'),
        ('{"a": 0.0, "b": 1}', '"a": has row 0.0'),
        ('{"a": -1, "b": 1}', '"a": has row -1'),
        ('{"a": true, "b": 1}', '"a": has row True'),
        ('{"a": null, "b": 1}', '"a": has row None'),
        ('{"a": [0], "b": 1}', '"a": has row [0]'),
        ('{"a": NaN, "b": 1}', "NaN is not a JSON number"),
        ('{"a": 1e400, "b": 1}', '"a": has row inf'),
        ('{"": 0, "b": 1}', '"": is not a name'),
        ('["a", "b"]', "is not a JSON object"),
        ("{}", "names no node"),
        ('{"a": 0', "is not JSON"),
        ("[" * 100_000, "nests too deep"),
        ('{"a": ' + "9" * 5_000 + "}", "is not JSON"),
        ("", "metadata.json: is empty"),
    ],
    ids=range(20),
)
def test_malformed_metadata_is_refused(tmp_path: Path, metadata: str, said: str) -> None:
    with pytest.raises(MatrixError) as caught:
        read(tmp_path, "m.txt", "0 5\n6 0", metadata)

    assert said in str(caught.value)
    assert "metadata.json" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.csv", "a,a\n0,5\n6,0", 'names "a" twice'),
        ("m.csv", "0,5,\n6,0,\n", 'm.csv:1: "" in column 2 is not a number'),
        ("m.csv", "a,b\n0,5\n6,x", 'm.csv:3: "x" in column 1 is not a number'),
        ("m.csv", "a,b\n0,5\n6", "m.csv:3: has 1 values"),
        ("m.csv", ",a,b\na,0,5\nc,6,0", "only once"),
        ("m.csv", "a,b", "holds no number"),
        ("m.csv", "a,b\n0,-5\n6,0", "is -5"),
        ("m.csv", "a,b\n0,nan\n6,0", "is nan"),
        ("m.csv", '"a,b\n0,5', "m.csv"),
        ("m.json", "{}", "is not a matrix"),
        ("m.json", "3", "is not a matrix"),
        ("m.json", "[]", "is not a square matrix"),
        ("m.json", "[3]", "row 0 (from 0): is not a list"),
        ("m.json", '{"a": {"c": 5}}', 'has an RTT to "c", which has no row'),
        ("m.json", '{"a": 5}', '"a": is not an object of RTTs'),
        ("m.json", '{"nodes": ["a", "a"], "rtt_ms": [[0, 5], [6, 0]]}', 'names "a" twice'),
        ("m.json", '{"nodes": ["a"], "rtt_ms": [[0, 5], [6, 0]]}', "names 1 nodes for 2 rows"),
        ("m.json", '{"nodes": ["a", "b"], "rtt_ms": [[0, 5], [6]]}', "has 1 values"),
        ("m.json", '{"nodes": ["a", 5], "rtt_ms": []}', "nodes: is not a list of names"),
        ("m.json", '{"nodes": ["a"], "rtt_ms": [[0]], "rtt_us": [[0]]}', "in two units"),
        ("m.json", '{"nodes": ["a"], "rtt_ms": [[0]], "unit": "s"}', 'has "unit"'),
        ("m.json", '{"a": {"b": true}, "b": {}}', "is 'True'"),
        ("m.json", '{"a": {"b": "5"}, "b": {}}', "is '5'"),
        ("m.json", '{"a": {"b": 1e400}, "b": {}}', "is inf"),
        ("m.json", '{"a": {"b": -5}, "b": {}}', "is -5"),
        ("m.npz", npz(x=[[0]]), "must hold either rtt_ms or rtt_us (it holds x)"),
        ("m.npz", npz(rtt_ms=[[0, -1], [6, 0]], nodes=["a", "b"]), "is -1"),
        ("m.npz", npz(rtt_ms=[[0, np.nan], [6, 0]], nodes=["a", "b"]), "is nan"),
        ("m.npz", npz(rtt_ms=[["a", "b"]]), "is not numeric"),
        ("m.npz", npz(rtt_ms=[0, 5], nodes=["a", "b"]), "is not a square matrix"),
        ("m.npz", npz(rtt_ms=[[0, 5], [6, 0]], nodes=["a", "a"]), "has 1 names for 2 rows"),
        ("m.npz", npz(rtt_ms=[[0, 5], [6, 0]], nodes=[1, 2]), "is not a list of names"),
        ("m.npz", npz(rtt_ms=np.array([[None]], dtype=object)), "cannot be read"),
        ("m.npz", npz(rtt_ms=[[0, 5], [6, 0]])[:120], "is not an .npz file"),
        ("m.npz", b"PK\x03\x04", "is not an .npz file"),
        ("m.npz", b"0 5\n6 0", "is not an .npz file"),
        ("m.txt", "0 5\n6 0", "does not name its rows"),
    ],
    ids=range(37),
)
def test_malformed_named_matrices_are_refused(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(MatrixError) as caught:
        read(tmp_path, name, content)

    assert said in str(caught.value)


def test_a_header_that_claims_more_than_the_file_holds_reserves_nothing(tmp_path: Path) -> None:
    content = npz(rtt_ms=np.zeros((2, 2)))
    small, huge = b"'shape': (2, 2), }", b"'shape': (99999999, 99999999), }"
    plain = io.BytesIO()
    np.savez(plain, rtt_ms=np.zeros((2, 2)))
    content = plain.getvalue().replace(small + b" " * (len(huge) - len(small)), huge)

    with pytest.raises(MatrixError, match=r"rtt_ms: (claims more values|cannot be read)"):
        read(tmp_path, "m.npz", content)


def test_metadata_that_contradicts_the_matrix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match='calls row 0 "b", but'):
        read(tmp_path, "m.csv", "a,b\n0,5\n6,0", '{"b": 0, "a": 1}')


@pytest.mark.parametrize("where", [".", "missing.txt"])
def test_what_is_no_file_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(MatrixError, match="cannot be read"):
        read_matrix(tmp_path / where)


def test_an_endless_device_is_not_read_to_its_end() -> None:
    with pytest.raises(MatrixError, match="is binary"):
        read_matrix(Path("/dev/zero"))
