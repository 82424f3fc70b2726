"""The criterion of the soak: what rises is told from what only swings."""

import math
from random import Random

import pytest

from benchmarks.soak.flatness import Unit, fit

AT_S = [60.0 * k for k in range(180)]
RNG = Random(3)  # noqa: S311 - chance, not secrets
NOISE = [RNG.gauss(0.0, 1.0) for _ in AT_S]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([200.0 for _ in AT_S], id="constant"),
        pytest.param([200.0 + 20.0 * n for n in NOISE], id="noisy"),
        pytest.param([40.0 + 30.0 * math.sin(t / 900.0) for t in AT_S], id="swinging"),
        pytest.param([float(k % 64) for k in range(len(AT_S))], id="emptied now and then"),
        pytest.param([3.0 if t < 5000.0 else 4.0 for t in AT_S], id="one more since"),
        pytest.param([500.0 - t / 60.0 for t in AT_S], id="falling"),
    ],
)
def test_what_does_not_grow_is_flat(values: list[float]) -> None:
    assert fit("series", Unit.ENTRIES, AT_S, values).is_flat


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([t / 600.0 for t in AT_S], id="one in ten minutes"),
        pytest.param([200.0 + t / 600.0 for t in AT_S], id="beside many"),
        pytest.param(
            [200.0 + 3.0 * n + t / 400.0 for t, n in zip(AT_S, NOISE, strict=True)],
            id="beneath noise",
        ),
    ],
)
def test_a_leak_is_not_flat(values: list[float]) -> None:
    assert not fit("series", Unit.ENTRIES, AT_S, values).is_flat


def test_memory_may_rise_by_a_twentieth_and_no_more() -> None:
    a_twentieth = [200e6 + 9e6 * t / AT_S[-1] for t in AT_S]
    more = [200e6 + 12e6 * t / AT_S[-1] for t in AT_S]

    assert fit("memory", Unit.BYTES, AT_S, a_twentieth).is_flat
    assert not fit("memory", Unit.BYTES, AT_S, more).is_flat


def test_a_fit_tells_how_far_the_line_rises() -> None:
    found = fit("series", Unit.ENTRIES, AT_S, [1.0 + t for t in AT_S])

    assert found.rise == pytest.approx(AT_S[-1])
    assert (found.least, found.most) == (1.0, 1.0 + AT_S[-1])


def test_a_leak_below_bursts_is_found() -> None:
    bursts = [60.0 + (190.0 if k % 3 else 0.0) for k in range(len(AT_S))]
    leaking = [value + t / 600.0 for t, value in zip(AT_S, bursts, strict=True)]

    assert fit("series", Unit.ENTRIES, AT_S, bursts).is_flat
    assert not fit("series", Unit.ENTRIES, AT_S, leaking).is_flat


def test_what_swings_is_granted_to_tables_and_not_to_the_process() -> None:
    steps = [40.0 + 15.0 * (k // 45) for k in range(len(AT_S))]
    swinging = [
        value + 30.0 * (k // 15 % 2) for k, value in enumerate(steps)
    ]  # of a period that the floor follows

    assert fit("table", Unit.ENTRIES, AT_S, [30.0 * (k // 15 % 2) for k in range(180)]).is_flat
    assert not fit("open files", Unit.HANDLES, AT_S, swinging).is_flat


def test_a_memo_of_all_that_was_ever_seen_is_a_leak() -> None:
    one_a_rollout = [8.0 + t // 61.0 for t in AT_S]

    assert not fit("memo", Unit.ENTRIES, AT_S, one_a_rollout).is_flat
