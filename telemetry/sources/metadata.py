"""Names of a matrix's rows: JSON ``{node: row}``, as the original edge scheduler writes them."""

from pathlib import Path

from telemetry.errors import MatrixError
from telemetry.sources.text import parse_json, read_text

_FIX = 'write a JSON object of node names and rows, for example {"edge-1": 0, "edge-2": 1}'


def read_metadata(path: Path) -> dict[str, int]:
    """Return the row of each node.

    Raises
    ------
    MatrixError
        If the file cannot be read or is not such an object, a row is not a whole number from 0, or
        two nodes claim one row.
    """
    return parse_metadata(read_text(path, _FIX), str(path))


def parse_metadata(text: str, where: str) -> dict[str, int]:
    """Return the row of each node; `where` names the origin of `text` in errors.

    Raises
    ------
    MatrixError
        As `read_metadata`.
    """
    tree = parse_json(text, where, _FIX)
    if not isinstance(tree, dict):
        raise MatrixError(where, "is not a JSON object", _FIX)
    if not tree:
        raise MatrixError(where, "names no node", _FIX)
    node_of: dict[int, str] = {}
    for node, row in tree.items():
        at = f'{where}: "{node[:60]}"'
        if not node.strip():
            raise MatrixError(at, "is not a name", "name the node")
        if isinstance(row, bool) or not isinstance(row, int) or row < 0:
            shown = str(row)[:60] if not isinstance(row, str) else f'"{row[:60]}"'
            raise MatrixError(
                at, f"has row {shown}", "write a whole number, 0 for the matrix's first row"
            )
        if row in node_of:
            raise MatrixError(
                at, f'claims row {row}, as "{node_of[row]}" does', "give each node a row of its own"
            )
        node_of[row] = node
    return {node: row for row, node in node_of.items()}


def names_by_row(rows: dict[str, int], size: int, where: str, matrix: str) -> tuple[str, ...]:
    """Return node names in the order of a matrix's rows.

    Parameters
    ----------
    rows
        Row of each node.
    size
        Rows of the matrix.
    where, matrix
        Names of both files, for errors.

    Raises
    ------
    MatrixError
        If a node's row is beyond the matrix, or a row of the matrix has no node.
    """
    for node, row in rows.items():
        if row >= size:
            raise MatrixError(
                f'{where}: "{node[:60]}"',
                f"has row {row}, but {matrix} has {size} rows (0 to {size - 1})",
                "correct the row, or give the matrix that belongs to these names",
            )
    name_of = {row: node for node, row in rows.items()}
    missing = [row for row in range(size) if row not in name_of]
    if missing:
        raise MatrixError(
            where,
            f"names {len(rows)} nodes, but {matrix} has {size} rows: row {missing[0]} has no node",
            "name a node for each row, or give the matrix that belongs to these names",
        )
    return tuple(name_of[row] for row in range(size))
