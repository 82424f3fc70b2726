"""What a soak keeps of its counts: it lives in the process that it counts."""

from benchmarks.soak.sizes import heap_blocks
from benchmarks.soak.soaking import Soaked

NAMES = [f"table {number}" for number in range(200)]


def test_a_series_named_later_was_zero_before() -> None:
    soaked = Soaked()
    soaked.add(60.0, {"first": 1.0})
    soaked.add(120.0, {"second": 2.0})

    assert list(soaked.at_s) == [60.0, 120.0]
    assert {name: list(values) for name, values in soaked.series.items()} == {
        "first": [1.0, 0.0],
        "second": [0.0, 2.0],
    }


def test_what_was_counted_is_no_growth_of_the_heap() -> None:
    soaked = Soaked()
    soaked.add(0.0, dict.fromkeys(NAMES, 0.5))
    before = heap_blocks()
    for number in range(1, 101):
        soaked.add(60.0 * number, {name: number + k / 256 for k, name in enumerate(NAMES)})

    assert heap_blocks() - before < 1_000, "of 20,000 values"
