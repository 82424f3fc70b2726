"""The map of a cluster by round-trip time, as one SVG that loads nothing: a frame, dots, zones.

Drawn by hand and not by a chart library: what a library would add is a script of four megabytes,
and a page that shows nothing where scripts are off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import format_ms
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.topology.layout import Layout
from scheduler.ui.labels import Label, without_overlaps
from telemetry.shares import PairShares

WIDTH, HEIGHT = 1280, 880
_PANEL = 300
_MARGIN = 36
_TOP = 84
_HUES = 10
_ALL_NAMED = 60
_BAR_PX = 150
_MARK_PX = 4.0

_STYLE = """
.page{fill:#ffffff}.frame{fill:#f6f8fa;stroke:#d1d9e0}
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#24292f}
.title{font-size:22px;font-weight:600}.quiet{fill:#57606a}.head{font-weight:600}
.name{font-size:12px;paint-order:stroke;stroke:#f6f8fa;stroke-width:3px;stroke-linejoin:round}
.bar{stroke:#24292f;stroke-width:2;fill:none}
.dot{stroke:#ffffff;stroke-width:.7}.zone{stroke-linejoin:round;opacity:.13}
.c0{fill:#0969da;stroke:#0969da}.c1{fill:#bc4c00;stroke:#bc4c00}.c2{fill:#1a7f37;stroke:#1a7f37}
.c3{fill:#8250df;stroke:#8250df}.c4{fill:#cf222e;stroke:#cf222e}.c5{fill:#1b7c83;stroke:#1b7c83}
.c6{fill:#bf3989;stroke:#bf3989}.c7{fill:#9a6700;stroke:#9a6700}.c8{fill:#2da0e8;stroke:#2da0e8}
.c9{fill:#5c8a00;stroke:#5c8a00}.rest{fill:#8c959f;stroke:#8c959f}
circle.dot{stroke:#f6f8fa}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}.frame{fill:#151b23;stroke:#3d444d}text{fill:#e6edf3}.quiet{fill:#9198a1}
.name{stroke:#151b23}.bar{stroke:#e6edf3}circle.dot{stroke:#151b23}
.zone{opacity:.22}
.c0{fill:#4493f8;stroke:#4493f8}.c1{fill:#f0883e;stroke:#f0883e}.c2{fill:#3fb950;stroke:#3fb950}
.c3{fill:#ab7df8;stroke:#ab7df8}.c4{fill:#f85149;stroke:#f85149}.c5{fill:#39c5cf;stroke:#39c5cf}
.c6{fill:#db61a2;stroke:#db61a2}.c7{fill:#d29922;stroke:#d29922}.c8{fill:#79c0ff;stroke:#79c0ff}
.c9{fill:#a5c261;stroke:#a5c261}}
"""


@dataclass(frozen=True, slots=True)
class PictureNotes:
    """What is said beside the map."""

    shares: PairShares
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Map:
    """Nodes in pixels. `zone_of` has shape ``(m,)``: the zone of each in the coloured layer."""

    names: tuple[str, ...]
    at: NDArray[np.float64]
    pixels_a_ms: float
    radius: float
    layer: Layer | None
    zone_of: NDArray[np.int64]
    ranked: tuple[int, ...]

    def hue(self, zone: int) -> str:
        """Return the class of a zone's colour."""
        rank = self.ranked.index(zone) if zone in self.ranked[:_HUES] else _HUES
        return f"c{rank}" if rank < _HUES else "rest"


def picture(layout: Layout, nodes: Sequence[str], tree: ZoneTree, notes: PictureNotes) -> str:
    """Return the SVG.

    Parameters
    ----------
    layout
        Places of the nodes that are measured.
    nodes
        Names of all rows of the RTT table.
    tree
        Zones of these nodes; one layer of it gives the colours.
    notes
        What is said beside the map.
    """
    drawn = _placed(layout, nodes, tree)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t">',
        f'<title id="t">{len(nodes)} nodes by round-trip time</title><style>{_STYLE}</style>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        *_headline(len(nodes), layout),
        *_zones(drawn),
        *_dots(drawn, tree),
        *_names(drawn),
        *_scale(drawn),
        *_panel(drawn, layout, notes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def coloured_layer(tree: ZoneTree) -> Layer | None:
    """Return the layer whose number of shared zones comes nearest to the number of colours."""
    if not tree.layers:
        return None

    def shared(layer: Layer) -> int:
        sizes = np.bincount(layer.zone_of[layer.zone_of >= 0], minlength=1)
        return max(1, int((sizes > 1).sum()))

    return min(tree.layers, key=lambda layer: abs(np.log(shared(layer) / _HUES)))


def _placed(layout: Layout, nodes: Sequence[str], tree: ZoneTree) -> _Map:
    layer = coloured_layer(tree)
    names = tuple(nodes[i] for i in layout.rows.tolist())
    zone_of = np.full(len(names), -1, dtype=np.int64)
    if layer is not None:
        by_name = dict(zip(tree.nodes, layer.zone_of.tolist(), strict=True))
        zone_of = np.array([by_name.get(name, -1) for name in names], dtype=np.int64)
    sizes = np.bincount(zone_of[zone_of >= 0], minlength=1)
    ranked = tuple(k for k in np.argsort(-sizes, kind="stable").tolist() if sizes[k] > 1)
    room = np.array([WIDTH - _PANEL - 2 * _MARGIN - 40, HEIGHT - _TOP - _MARGIN - 90], dtype=float)
    low, high = _extent(layout.at_ms)
    span = np.maximum(high - low, 1e-3)
    pixels_a_ms = float((room / span).min())
    centre = np.array([_MARGIN + 20 + room[0] / 2, _TOP + 25 + room[1] / 2])
    at = centre + (layout.at_ms - (low + high) / 2) * pixels_a_ms
    radius = float(np.clip(10 - 0.72 * np.log2(max(2, len(names))), 2, 8))
    return _Map(names, at, pixels_a_ms, radius, layer, zone_of, ranked)


def _extent(at_ms: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not len(at_ms):
        return np.zeros(2), np.ones(2)
    return at_ms.min(axis=0), at_ms.max(axis=0)


def _headline(count: int, layout: Layout) -> Iterator[str]:
    yield _text(_MARGIN, 44, f"{count:,} nodes by round-trip time", "title")
    said = "Near on this map is near by measured RTT; up, down, left and right mean nothing."
    if len(layout.rows) < count:
        said += f" {count - len(layout.rows)} without any measurement are not drawn."
    yield _text(_MARGIN, 67, said, "quiet")
    width, height = WIDTH - _PANEL - _MARGIN - 12, HEIGHT - _TOP - _MARGIN
    yield (
        f'<rect class="frame" x="{_MARGIN}" y="{_TOP}" width="{width}" height="{height}" rx="8"/>'
    )


def _zones(drawn: _Map) -> Iterator[str]:
    """Yield a soft outline of each zone of several nodes, the largest first."""
    for zone in drawn.ranked:
        outline = _hull(drawn.at[drawn.zone_of == zone])
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        width = 2 * drawn.radius + 10
        yield (
            f'<polygon class="zone {drawn.hue(zone)}" points="{points}" '
            f'stroke-width="{width:.0f}"/>'
        )


def _dots(drawn: _Map, tree: ZoneTree) -> Iterator[str]:
    seats = {name: k for k, name in enumerate(tree.nodes)}
    # Zones without a colour first, so that they lie beneath.
    order = sorted(
        range(len(drawn.names)), key=lambda k: drawn.hue(int(drawn.zone_of[k])) != "rest"
    )
    for k in order:
        name, (x, y) = drawn.names[k], drawn.at[k]
        told = [name, *_zone_names(tree, seats.get(name))]
        yield (
            f'<circle class="dot {drawn.hue(int(drawn.zone_of[k]))}" cx="{x:.1f}" cy="{y:.1f}" '
            f'r="{drawn.radius:.1f}"><title>{escape(", ".join(told))}</title></circle>'
        )


def _zone_names(tree: ZoneTree, seat: int | None) -> list[str]:
    if seat is None:
        return []
    return [x.names[int(x.zone_of[seat])] for x in tree.layers if x.zone_of[seat] >= 0]


def _names(drawn: _Map) -> Iterator[str]:
    """Yield names of nodes where there are few, else of the coloured zones."""
    wanted: list[Label] = []
    if len(drawn.names) <= _ALL_NAMED:
        for name, (x, y) in zip(drawn.names, drawn.at.tolist(), strict=True):
            wanted.append(Label(_short(name), x, y, *2 * [drawn.radius + _MARK_PX]))
    elif drawn.layer is not None:
        for zone in drawn.ranked[:_HUES]:
            low, high = _extent(drawn.at[drawn.zone_of == zone])
            reach = (high - low) / 2 + drawn.radius + _MARK_PX
            middle = (low + high) / 2
            wanted.append(Label(_short(drawn.layer.names[zone]), *middle, *reach))
    frame = (_MARGIN, _TOP, WIDTH - _PANEL - 12, HEIGHT - _MARGIN)
    is_few = len(drawn.names) <= _ALL_NAMED
    for label, x, y in without_overlaps(wanted, frame, is_beside=is_few):
        yield _text(x, y, label.text, "name")


def _scale(drawn: _Map) -> Iterator[str]:
    """Yield a bar of a round number of milliseconds, in the lower left corner."""
    if len(drawn.names) < 2:  # noqa: PLR2004 - nothing is any distance away
        return
    bar_ms = _round(_BAR_PX / drawn.pixels_a_ms)
    x, y, width = _MARGIN + 20, HEIGHT - _MARGIN - 20, bar_ms * drawn.pixels_a_ms
    yield f'<path class="bar" d="M{x} {y - 6}v6h{width:.1f}v-6"/>'
    yield _text(x + width + 10, y, f"{bar_ms:g} ms", "")


def _panel(drawn: _Map, layout: Layout, notes: PictureNotes) -> Iterator[str]:
    x, y = WIDTH - _PANEL + 12, _TOP + 14
    if drawn.layer is not None:
        yield _text(x, y, f"Zones within {format_ms(drawn.layer.max_rtt_us)}", "head")
        shown = drawn.ranked[:_HUES]
        for zone in shown:
            y += 24
            size = int((drawn.zone_of == zone).sum())
            yield f'<circle class="{drawn.hue(zone)}" cx="{x + 6}" cy="{y - 4}" r="6"/>'
            yield _text(x + 20, y, _short(drawn.layer.names[zone]), "")
            yield _text(WIDTH - _MARGIN, y, f"{size:,}", "quiet", end=True)
        others = len(set(drawn.zone_of.tolist()) - {-1} - set(shown))
        if others:
            y += 24
            rest = len(drawn.names) - int(np.isin(drawn.zone_of, shown).sum())
            yield f'<circle class="rest" cx="{x + 6}" cy="{y - 4}" r="6"/>'
            yield _text(x + 20, y, f"{others:,} more {'zone' if others == 1 else 'zones'}", "")
            yield _text(WIDTH - _MARGIN, y, f"{rest:,}", "quiet", end=True)
        y += 44
    yield _text(x, y, "Pairs", "head")
    shares = notes.shares
    stale = "n/a" if shares.stale is None else f"{shares.stale:.1%}"
    for what, value in (("never measured", f"{shares.unknown:.1%}"), ("too old", stale)):
        y += 24
        yield _text(x, y, what, "")
        yield _text(WIDTH - _MARGIN, y, value, "quiet", end=True)
    y += 44
    yield _text(x, y, "How true the map is", "head")
    for line in _truth(layout, notes):
        y += 21
        yield _text(x, y, line, "quiet")


def _truth(layout: Layout, notes: PictureNotes) -> Iterator[str]:
    yield f"Half of the pairs are drawn within {layout.median_error:.0%}"
    yield "of their RTT. RTTs that are shorter by a"
    yield "detour fit no map."
    if np.isfinite(layout.cap_ms):
        yield f"Beyond {layout.cap_ms:.3g} ms all is drawn as far"
        yield "as that."
    if notes.source:
        yield f"From {_short(notes.source, 34)}"


def _text(x: float, y: float, text: str, kind: str, *, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{named}{anchor}>{escape(text)}</text>'


def _short(text: str, most: int = 28) -> str:
    """Return a text in the room there is: its end tells machines apart more often."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _round(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not larger."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(k for k in (power, 2 * power, 5 * power) if k <= value * (1 + 1e-9)))


def _hull(points: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the convex hull of some points, in order round it (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:  # noqa: PLR2004 - a point or a line is its own hull
        return ordered
    out: list[tuple[float, float]] = []
    for side in (ordered, ordered[::-1]):
        half: list[tuple[float, float]] = []
        for point in side:
            while len(half) > 1 and _turn(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        out += half[:-1]
    return out


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
