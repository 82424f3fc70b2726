"""As what a matrix was read: unit and direction, stated or found, and what looks odd."""

from pathlib import Path

import numpy as np
import pytest

from telemetry.errors import MatrixError
from telemetry.model import UNKNOWN_US
from telemetry.sources.file import read_described

ROWS = '{"a": 0, "b": 1, "c": 2}'
TABLE = "0 5 6\n7 0 8\n9 10 0\n"


def described(folder: Path, name: str, text: str) -> tuple[list[list[int]], tuple[str, ...]]:
    (folder / name).write_text(text)
    rows = folder / "rows.json"
    rows.write_text(ROWS)
    matrix, notes = read_described(folder / name, rows)
    return matrix.rtt_us.tolist(), notes


def test_what_a_form_is_in_is_said(tmp_path: Path) -> None:
    values, notes = described(tmp_path, "m.txt", TABLE)

    assert values[0] == [0, 5_000, 6_000]
    assert notes == (
        (
            "read as milliseconds (which its form is in unless stated);"
            " a row is who measures, a column who is measured"
        ),
    )


@pytest.mark.parametrize(
    ("name", "head", "table"),
    [
        ("m.txt", "# made by hand\n# Unit:  Microseconds\n\n", TABLE),
        ("m.csv", "# unit: microseconds\n", TABLE.replace(" ", ",")),
        ("m.json", "", '{"nodes": ["a", "b", "c"], "rtt_us": [[0,5,6],[7,0,8],[9,10,0]]}'),
    ],
    ids=lambda name: name[:5],
)
def test_a_stated_unit_is_used_and_said(tmp_path: Path, name: str, head: str, table: str) -> None:
    values, notes = described(tmp_path, name, head + table)

    assert values == [[0, 5, 6], [7, 0, 8], [9, 10, 0]]
    assert notes[0].startswith("read as microseconds (as it states)")


def test_seconds_are_read_where_they_are_stated(tmp_path: Path) -> None:
    values, _ = described(tmp_path, "m.txt", "# unit: seconds\n0 .025 .006\n.007 0 1\n1 2 0\n")

    assert values[0] == [0, 25_000, 6_000]


def test_a_stated_direction_turns_the_matrix(tmp_path: Path) -> None:
    values, notes = described(tmp_path, "m.txt", "# direction: column to row\n" + TABLE)

    assert values == [[0, 7_000, 9_000], [5_000, 0, 10_000], [6_000, 8_000, 0]]
    assert "a column is who measures, a row who is measured" in notes[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# unit: ms\n0 5\n5 0", 1),
        ("# hello\n# direction: both\n0 5\n5 0", 2),
        ("# unit: seconds\n# unit: seconds\n0 5\n5 0", 2),
    ],
)
def test_a_statement_that_is_not_understood_names_its_line_and_what_is(
    tmp_path: Path, text: str, line: int
) -> None:
    with pytest.raises(MatrixError, match="state one of") as caught:
        described(tmp_path, "m.txt", text)

    assert caught.value.where.endswith(f"m.txt:{line}")


def test_lines_keep_their_numbers_below_a_statement(tmp_path: Path) -> None:
    with pytest.raises(MatrixError) as caught:
        described(tmp_path, "m.csv", "# unit: seconds\n0,1,1\n1,x,1\n1,1,0\n")

    assert caught.value.where.endswith("m.csv:3")


def test_equal_directions_are_said(tmp_path: Path) -> None:
    _, notes = described(tmp_path, "m.txt", "0 5 6\n5 0 7\n6 7 0\n")

    assert "both directions are alike" in notes[0]


@pytest.mark.parametrize(
    ("text", "half", "unknown"),
    [
        ("0 5 6\n0 0 7\n0 0 0\n", "upper", [(1, 0), (2, 0), (2, 1)]),
        ("0 0 0\n5 0 0\n6 7 0\n", "lower", [(0, 1), (0, 2), (1, 2)]),
    ],
)
def test_the_zeros_of_a_triangle_are_no_distances(
    tmp_path: Path, text: str, half: str, unknown: list[tuple[int, int]]
) -> None:
    values, notes = described(tmp_path, "m.txt", text)

    assert [tuple(k) for k in np.argwhere(np.array(values) == UNKNOWN_US)] == unknown
    assert len(notes) == 1
    assert f"only the {half} half is given" in notes[0]


def test_distances_of_0_and_gaps_are_counted(tmp_path: Path) -> None:
    _, zeros = described(tmp_path, "m.txt", "0 0 6\n5 0 7\n6 7 0\n")
    _, gaps = described(tmp_path, "m.json", "[[0, null, 6], [null, 0, 7], [6, 7, 0]]")

    assert zeros[1] == "1 of 6 pairs are at 0 ms, nearer than any network is"
    assert gaps[1] == "2 of 6 pairs are not measured"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "0 25000 26000\n25000 0 27000\n26000 27000 0\n",
            "half of all pairs are above 26000 ms: are these really milliseconds",
        ),
        (
            "0 .025 .026\n.025 0 .027\n.026 .027 0\n",
            "half of all pairs are above 0.026 ms: are these really milliseconds",
        ),
    ],
)
def test_values_that_look_like_another_unit_are_asked_about(
    tmp_path: Path, text: str, said: str
) -> None:
    _, notes = described(tmp_path, "m.txt", text)

    assert notes[1].startswith(said)
