"""Detours that are faster than the direct way."""

import numpy as np
import pytest

from scheduler.topology.triangles import LARGEST, Triangle, worst_triangles
from telemetry.model import MetroRtt
from tests.builders import line_rtt, rtt_ms


def test_a_detour_that_saves_is_found() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, 1, 30], [1, 0, 2], [30, 2, 0]])
    assert worst_triangles(rtt, 5) == (Triangle("a", "c", "b", 30_000, 3_000),)


def test_nodes_on_a_line_have_no_detours() -> None:
    assert worst_triangles(line_rtt(("a", "b", "c", "d")), 5) == ()


def test_an_unknown_pair_is_neither_a_way_nor_a_saving() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, -1, 30], [-1, 0, 2], [30, 2, 0]])
    assert worst_triangles(rtt, 5) == ()


def test_the_worst_comes_first_and_no_more_than_asked_for() -> None:
    far = [[0, 1, 9, 50], [1, 0, 1, 1], [9, 1, 0, 1], [50, 1, 1, 0]]
    found = worst_triangles(rtt_ms(("a", "b", "c", "d"), far), 1)
    assert [(t.source, t.target, t.ratio) for t in found] == [("a", "d", 25.0)]


def test_more_nodes_than_can_be_looked_at_are_refused() -> None:
    n = LARGEST + 1
    zeros = np.zeros(n, dtype=np.int32)
    rtt = MetroRtt(tuple(f"n{k}" for k in range(n)), zeros, np.zeros((1, 1), np.int32), zeros)
    with pytest.raises(ValueError, match="1001 nodes"):
        worst_triangles(rtt, 5)
