"""The live table: nodes by site, pods against their budgets, what waits, what happens."""

from collections.abc import Sequence
from textwrap import wrap
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
_SIDES = 4  # a panel's lines left and right, and the space beside them
_GAP = 2  # between columns
_LEAST_ROWS = 2


def screen(scene: Scene, width: int, height: int) -> RenderableType:
    """Return the whole screen; made for 80 columns and 24 lines, and for more.

    Parameters
    ----------
    scene
        What to show.
    width, height
        Columns and lines of the terminal.
    """
    body = max(3 * (_FRAME + _LEAST_ROWS), height - 1)
    reasons = _reasons(scene, width, max(_LEAST_ROWS, body // 3 - _FRAME))
    waiting = _FRAME + max(1, sum(len(lines) for _, lines in reasons))
    below = max(_FRAME + _LEAST_ROWS + 1, (body - waiting) * 2 // 5)
    pods = body - waiting - below
    layout = Layout()
    layout.split_column(
        Layout(headline(scene), size=1),
        Layout(_pods(scene, width, pods - _FRAME), size=pods),
        Layout(_waiting(scene, width, reasons), size=waiting),
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
        rtt = _measured_text(measured)
        constraint = measured.constraint
        style = "green" if measured.holds else "yellow" if constraint.is_soft else "red"
        text.append(", " if k else "")
        text.append(f"{constraint.reference} ")
        text.append(f"{rtt}/{constraint.within_ms}", style=style)
    return text


def _measured_text(measured: Measured) -> str:
    if measured.rtt_us >= 0:
        return format_ms(measured.rtt_us)
    return "not measured" if measured.reference_node else "not placed"


def _pods(scene: Scene, width: int, rows: int) -> Panel:
    table = Table.grid(padding=(0, _GAP), expand=True)
    # Names first get what they need, within bounds; the delays get the rest.
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=width * 2 // 5)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=width // 4)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for pod in _shown(scene.pods, rows):
        delays = delay_text(pod.delays)
        if pod.is_leaving:
            delays = Text(delays.plain, style="dim", no_wrap=True, overflow="ellipsis")
        table.add_row(_name(pod), _place(pod), delays)
    return _panel(table, "pods, measured RTT / budget", len(scene.pods), rows)


def _name(pod: PodRow) -> Text:
    return Text(pod.name, style="bold red" if pod.is_broken else "dim" if pod.is_leaving else "")


def _place(pod: PodRow) -> Text:
    return Text(f"{pod.node}, leaving", style="dim") if pod.is_leaving else Text(pod.node)


def _reasons(scene: Scene, width: int, most: int) -> list[tuple[str, list[str]]]:
    """Return waiting pods and their reasons, broken into lines; at most `most` lines in all."""
    shown = _shown(scene.waiting, most)
    lines = max(1, most // max(1, len(shown)))
    room = max(10, width - _SIDES - _GAP - _widest([one.name for one in shown], width))
    return [
        (one.name, wrap(one.reason, room, max_lines=lines, placeholder=" …") or [""])
        for one in shown
    ]


def _widest(names: Sequence[str], width: int) -> int:
    return min(width * 2 // 5, max(map(len, names), default=0))


def _waiting(scene: Scene, width: int, reasons: Sequence[tuple[str, list[str]]]) -> Panel:
    if not reasons:
        nothing = Text("no pod waits", style="dim")
        return Panel(nothing, title="waiting (0)", title_align="left", border_style="dim")
    table = Table.grid(padding=(0, _GAP), expand=True)
    table.add_column(
        no_wrap=True, overflow="ellipsis", width=_widest([n for n, _ in reasons], width)
    )
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for name, lines in reasons:
        table.add_row(Text(name), Text("\n".join(lines), style="yellow"))
    return _panel(table, "waiting", len(scene.waiting), len(reasons))


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
    return Panel(
        text,
        title="happenings",
        title_align="left",
        subtitle="Ctrl-C ends it",
        subtitle_align="right",
        border_style="dim",
        padding=(0, 1),
    )


def _shown(rows: Sequence[_T], limit: int) -> Sequence[_T]:
    return rows[: max(0, limit)]


def _panel(table: Table, title: str, total: int, rows: int) -> Panel:
    said = f"{title} ({total})" if total <= rows else f"{title} ({max(0, rows)} of {total})"
    return Panel(table, title=Text(said), title_align="left", border_style="dim", padding=(0, 1))
