"""The live table fits the terminal and says what matters first."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from commands.scene import Line, PodRow, Scene, SiteRow, WaitingRow
from commands.table import screen
from scheduler.domain.plan import Measured
from tests.builders import within

REASON = "0/3 nodes are available: 3 [red]x[/red]."


def a_scene(pods: int = 40, waiting: int = 30) -> Scene:
    held = Measured(within(25, "edge-1"), "edge-1", 8_000)
    broken = Measured(within(5, "edge-2"), "edge-2", 31_000)
    rows = [PodRow("broken-pod", "edge-9", (broken,))]
    rows += [PodRow(f"pod-{k}", f"edge-{k}", (held,)) for k in range(pods - 1)]
    return Scene(
        at_s=12.3,
        address="http://127.0.0.1:8080",
        sites=[SiteRow("aldermere", 16, 15, 11, 0.25)] * 20,
        pods=rows,
        waiting=[WaitingRow(f"late-{k}", REASON) for k in range(waiting)],
        lines=[Line(1.0, f"line {k} [bold]not markup[/bold]") for k in range(50)],
    )


def drawn(scene: Scene, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(screen(scene, width, height), height=height)
    return capture.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60), (60, 16)])
def test_the_screen_fits_the_terminal(width: int, height: int) -> None:
    lines = drawn(a_scene(), width, height)

    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_what_is_broken_waits_or_happened_last_is_seen_on_80_by_24() -> None:
    text = "\n".join(drawn(a_scene(), 80, 24))

    wanted = (
        "broken-pod",
        "31ms/5ms",
        "late-0",
        "line 49",
        "aldermere",
        "15/16",
        "39/40 in budget",
    )
    assert [word for word in wanted if word not in text] == []


def test_what_is_not_shown_is_counted() -> None:
    text = "\n".join(drawn(a_scene(), 80, 24))

    assert "of 40)" in text
    assert "of 30)" in text


def test_text_from_the_cluster_is_never_taken_for_markup() -> None:
    text = "\n".join(drawn(a_scene(), 200, 60))

    assert "[red]x[/red]" in text
    assert "[bold]not markup" in text


def test_a_pod_that_leaves_is_held_to_no_budget() -> None:
    nowhere = Measured(within(5, "pong"), "", -1)
    scene = replace(a_scene(), pods=[PodRow("ping", "edge-1", (nowhere,), is_leaving=True)])
    text = "\n".join(drawn(scene, 80, 24))

    assert "edge-1, leaving" in text
    assert "pong not placed/5ms" in text
    assert "0/0 in budget" in text


def test_two_delays_of_a_pod_are_seen_whole_on_80_columns() -> None:
    both = (
        Measured(within(15, "edge-1"), "edge-1", 2_826),
        Measured(within(15, "edge-9"), "edge-9", 0),
    )
    scene = replace(a_scene(), pods=[PodRow("bridge-vf5cmj69ph-ql4g7", "edge-9", both)])

    assert "edge-1 2.826ms/15ms, edge-9 0ms/15ms" in "\n".join(drawn(scene, 80, 24))


def test_a_long_reason_is_broken_into_lines_where_few_pods_wait() -> None:
    reason = (
        "0/490 nodes are available: 489 node(s) exceeded delay to edge-1 (0.05ms; nearest x 6ms)."
    )
    scene = replace(a_scene(), waiting=[WaitingRow("wishful-4764fj7djn-7qbzh", reason)])

    assert "nearest x 6ms)." in "\n".join(drawn(scene, 80, 24))


def test_the_screen_says_how_to_end_it() -> None:
    assert "Ctrl-C" in "\n".join(drawn(a_scene(), 80, 24))


def test_an_empty_cluster_is_drawn_too() -> None:
    empty = Scene(0.0, "http://127.0.0.1:8080", [], [], [], [])

    assert any("0/0 nodes" in line for line in drawn(empty, 80, 24))
