"""The live table: nodes by site, pods against their budgets, what waits, what happens."""

from collections.abc import Sequence
from typing import TypeVar

from rich.console import RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from commands.scene import PodRow, Scene
from scheduler.domain.delay import format_ms
from scheduler.domain.plan import Measured

_T = TypeVar("_T")
_FRAME = 2  # a panel's upper and lower line
_LEAST_ROWS = 2


def screen(scene: Scene, height: int) -> RenderableType:
    """Return the whole screen; made for 80 columns and 24 lines, and for more.

    Parameters
    ----------
    scene
        What to show.
    height
        Lines of the terminal.
    """
    body = max(3 * (_FRAME + _LEAST_ROWS), height - 1)
    waiting = min(len(scene.waiting) + _FRAME, max(_FRAME + _LEAST_ROWS, body // 4))
    waiting = max(waiting, _FRAME + 1)
    below = max(_FRAME + _LEAST_ROWS + 1, (body - waiting) * 2 // 5)
    pods = body - waiting - below
    layout = Layout()
    layout.split_column(
        Layout(headline(scene), size=1),
        Layout(_pods(scene, pods - _FRAME), size=pods),
        Layout(_waiting(scene, waiting - _FRAME), size=waiting),
        Layout(name="below", size=below),
    )
    layout["below"].split_row(
        Layout(_sites(scene, below - _FRAME - 1), ratio=2),
        Layout(_lines(scene, below - _FRAME), ratio=3),
    )
    return layout


def headline(scene: Scene) -> Text:
    """Return the figures in one line."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("Isochrone ", style="bold")
    text.append(f"{scene.at_s:.0f}s  ")
    text.append(f"{scene.ready}/{scene.nodes} nodes  {len(scene.pods)} pods  ")
    held = scene.with_budget - scene.broken
    text.append(f"{held}/{scene.with_budget} in budget", style="red" if scene.broken else "green")
    address = scene.address.removeprefix("http://")  # else it does not fit into 80 columns
    text.append(f"  {len(scene.waiting)} waiting  {address}")
    return text


def delay_text(delays: Sequence[Measured]) -> Text:
    """Return each delay as measured against its budget: green where it holds, red where not."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for k, measured in enumerate(delays):
        rtt = "not measured" if measured.rtt_us < 0 else format_ms(measured.rtt_us)
        constraint = measured.constraint
        style = "green" if measured.holds else "yellow" if constraint.is_soft else "red"
        text.append(", " if k else "")
        text.append(f"{constraint.reference} ")
        text.append(f"{rtt}/{constraint.within_ms}", style=style)
    return text


def _pods(scene: Scene, rows: int) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=4, no_wrap=True, overflow="ellipsis")
    for pod in _shown(scene.pods, rows):
        table.add_row(_name(pod), Text(pod.node), delay_text(pod.delays))
    return _panel(table, "pods, measured RTT / budget", len(scene.pods), rows)


def _name(pod: PodRow) -> Text:
    return Text(pod.name, style="bold red" if pod.is_broken else "")


def _waiting(scene: Scene, rows: int) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
    for waiting in _shown(scene.waiting, rows):
        table.add_row(Text(waiting.name), Text(waiting.reason, style="yellow"))
    return _panel(table, "waiting", len(scene.waiting), rows)


def _sites(scene: Scene, rows: int) -> Panel:
    table = Table(box=None, expand=True, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("site", ratio=1, no_wrap=True, overflow="ellipsis")
    for title in ("nodes", "pods", "cpu"):
        table.add_column(title, justify="right", no_wrap=True)
    for site in _shown(scene.sites, rows):
        style = "" if site.ready == site.nodes else "red"
        nodes = Text(f"{site.ready}/{site.nodes}", style=style)
        table.add_row(Text(site.name), nodes, str(site.pods), f"{site.load:.0%}")
    return _panel(table, "sites", len(scene.sites), rows)


def _lines(scene: Scene, rows: int) -> Panel:
    text = Text(no_wrap=True, overflow="ellipsis")
    latest = scene.lines[-rows:] if rows > 0 else []
    for k, line in enumerate(latest):
        text.append("\n" if k else "")
        text.append(f"{line.at_s:5.0f}s ", style="dim")
        text.append(line.text)
    return Panel(text, title="happenings", title_align="left", border_style="dim", padding=(0, 1))


def _shown(rows: Sequence[_T], limit: int) -> Sequence[_T]:
    return rows[: max(0, limit)]


def _panel(table: Table, title: str, total: int, rows: int) -> Panel:
    said = f"{title} ({total})" if total <= rows else f"{title} ({max(0, rows)} of {total})"
    return Panel(table, title=Text(said), title_align="left", border_style="dim", padding=(0, 1))
