"""Reading /proc, whose texts are Linux's (proc(5))."""

import pytest

from benchmarks.live.usage import busy_s, cpu_s, peak_bytes

STAT = "42 (a name) (of spaces) S 1 42 42 0 -1 4194304 99 0 0 0 250 50 7 8 20 0 4 0 12345 1000 200"


def test_user_and_system_time_of_all_threads_count_and_that_of_children_does_not() -> None:
    assert cpu_s(STAT, ticks_per_s=100) == pytest.approx(3.0)


def test_the_peak_is_in_bytes() -> None:
    assert peak_bytes("Name:\tx\nVmPeak:\t 900 kB\nVmHWM:\t    2048 kB\n") == 2 << 20


def test_waiting_for_a_disk_is_idle_and_a_stolen_second_is_not() -> None:
    text = "cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n"

    assert busy_s(text, ticks_per_s=1) == pytest.approx(100 + 20 + 30 + 6 + 7 + 8)
