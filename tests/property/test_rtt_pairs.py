"""Laws of the RTT tables: reading pairs and reading rows are the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from telemetry.model import MetroRtt, RttMatrix, RttTable

SIZE = 5
NAMES = tuple("abcde")
PAIRS = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda p: p[0] != p[1])


@st.composite
def tables(draw: st.DrawFn) -> RttTable:
    values = st.integers(-1, 50)
    if draw(st.booleans()):
        return RttMatrix(NAMES, draw(arrays(np.int32, (SIZE, SIZE), elements=values)))
    half = draw(arrays(np.int32, (2, 2), elements=st.integers(0, 50)))
    return MetroRtt(
        NAMES,
        draw(arrays(np.int32, SIZE, elements=st.integers(0, 1))),
        np.maximum(half, half.T),
        draw(arrays(np.int32, SIZE, elements=st.integers(0, 9))),
        draw(st.dictionaries(PAIRS, values, max_size=4)),
    )


@given(table=tables())
def test_pairs_are_read_as_rows_are(table: RttTable) -> None:
    every = np.arange(SIZE, dtype=np.int64)
    rows = np.stack([table.from_node(row) for row in range(SIZE)])
    assert table.between(every[:, None], every[None, :]).tolist() == rows.tolist()
