"""What a matrix file says of itself in comments at its top: its unit, and who measured whom.

``# unit: microseconds`` and ``# direction: column to row``, in text and CSV; JSON and ``.npz`` name
the unit in a key.
"""

import re
from dataclasses import dataclass

from telemetry.errors import MatrixError

UNITS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
"""Microseconds in one of each."""

_DIRECTIONS = ("row to column", "column to row")
_STATEMENT = re.compile(r"#\s*(unit|direction)\s*:\s*(.*?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a file states; where it says nothing, the form's own rule.

    Parameters
    ----------
    unit
        Of its numbers, a key of `UNITS`.
    is_turned
        Whether a column is who measures, and a row who is measured.
    is_unit_stated
        Whether the file itself names the unit.
    """

    unit: str = "milliseconds"
    is_turned: bool = False
    is_unit_stated: bool = False


def statements(text: str, where: str) -> tuple[Stated, str]:
    """Return what the comments at the top of a text state, and the text without them.

    Parameters
    ----------
    text
        Of the file.
    where
        The file, for errors.

    Raises
    ------
    MatrixError
        If a statement is not one of those known, or is made twice.
    """
    found: dict[str, str] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        match = _STATEMENT.fullmatch(line.strip())
        if match is None:
            continue
        key, value = match[1].lower(), " ".join(match[2].lower().split())
        known = tuple(UNITS) if key == "unit" else _DIRECTIONS
        if value not in known or key in found:
            what = f'states the {key} "{match[2][:60]}"'
            what = f"states the {key} twice" if key in found else what
            raise MatrixError(f"{where}:{number + 1}", what, f"state one of {', '.join(known)}")
        found[key] = value
        lines[number] = ""  # keeps the numbers of the lines that follow
    stated = Stated(
        found.get("unit", "milliseconds"),
        found.get("direction") == _DIRECTIONS[1],
        "unit" in found,
    )
    return stated, "\n".join(lines)
