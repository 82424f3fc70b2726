"""The map as SVG."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from scheduler.topology.layers import zone_tree
from scheduler.topology.layout import laid_out
from scheduler.ui.labels import Label, without_overlaps
from scheduler.ui.picture import HEIGHT, WIDTH, PictureNotes, picture
from simulator.metros import make_metros
from telemetry.model import RttTable, empty_rtt
from telemetry.shares import PairShares
from tests.builders import rtt_ms

SVG = "{http://www.w3.org/2000/svg}"
DIAMETERS_US = (5_000, 25_000, 100_000)
NOTES = PictureNotes(PairShares(0.125, None), "matrix.npz")


def drawn(rtt: RttTable, notes: PictureNotes = NOTES) -> ET.Element:
    layout = laid_out(rtt, np.random.default_rng(0))
    text = picture(layout, rtt.nodes, zone_tree(rtt, DIAMETERS_US), notes)
    return ET.fromstring(text)  # noqa: S314 - our own


def texts(svg: ET.Element) -> list[str]:
    return [found.text or "" for found in svg.iter(f"{SVG}text")]


def dots(svg: ET.Element) -> list[ET.Element]:
    return [c for c in svg.iter(f"{SVG}circle") if (c.get("class") or "").startswith("dot")]


def metros(n: int) -> RttTable:
    return make_metros(n, 3).table(tuple(f"edge-{k}" for k in range(n)), 0)


@pytest.mark.parametrize("n", [2, 23, 300])
def test_every_measured_node_is_a_dot_within_the_picture_that_tells_its_zones(n: int) -> None:
    svg = drawn(metros(n))
    found = dots(svg)
    assert len(found) == n
    assert all(0 < float(c.get("cx") or 0) < WIDTH - 300 for c in found)
    assert all(84 < float(c.get("cy") or 0) < HEIGHT for c in found)
    told = [c.findtext(f"{SVG}title") or "" for c in found]
    assert sorted(text.split(", ")[0] for text in told) == sorted(f"edge-{k}" for k in range(n))
    assert all(text.count("z") == 3 for text in told)


def test_few_nodes_are_named_and_of_many_the_zones() -> None:
    assert "edge-7" in texts(drawn(metros(12)))
    many = texts(drawn(metros(300)))
    assert "edge-7" not in many
    assert any(text.startswith("z") for text in many)


def test_the_bar_is_as_long_as_it_says() -> None:
    svg = drawn(rtt_ms(("a", "b"), [[0, 40], [40, 0]]))
    (bar,) = (p for p in svg.iter(f"{SVG}path") if p.get("class") == "bar")
    length = float((bar.get("d") or "").split("h")[1].split("v")[0])
    one, other = (float(c.get("cx") or 0) for c in dots(svg))
    said = next(text for text in texts(svg) if text.endswith(" ms") and text[0].isdigit())
    assert length / float(said.removesuffix(" ms")) == pytest.approx(
        abs(one - other) / 40, rel=0.01
    )


def test_what_is_not_known_is_said_beside_it() -> None:
    said = texts(drawn(metros(12)))
    assert said[said.index("never measured") + 1] == "12.5%"
    assert said[said.index("too old") + 1] == "n/a"
    live = texts(drawn(metros(12), PictureNotes(PairShares(0.0, 0.25))))
    assert live[live.index("too old") + 1] == "25.0%"


def test_nodes_that_are_not_drawn_are_counted() -> None:
    said = texts(drawn(rtt_ms(("a", "b", "lost"), [[0, 3, -1], [3, 0, -1], [-1, -1, 0]])))
    assert any("1 without any measurement" in text for text in said)


def test_a_name_that_looks_like_markup_stays_a_name() -> None:
    svg = drawn(rtt_ms(("<b>&", "]]>"), [[0, 3], [3, 0]]))
    assert {"<b>&", "]]>"} <= set(texts(svg))


def test_an_empty_table_is_an_empty_map() -> None:
    assert dots(drawn(empty_rtt())) == []


def test_the_picture_asks_for_nothing_from_elsewhere() -> None:
    rtt = metros(30)
    text = picture(
        laid_out(rtt, np.random.default_rng(0)), rtt.nodes, zone_tree(rtt, (5_000,)), NOTES
    )
    assert text.count("http") == 1  # the name of the format
    assert "<script" not in text
    assert "href" not in text


def test_no_label_lies_over_another_or_outside() -> None:
    crowd = [Label(f"node-{k}", 50.0 + 9 * (k % 7), 50.0 + 5 * k, 6, 6) for k in range(20)]
    placed = list(without_overlaps(crowd, (0, 0, 300, 160), is_beside=True))
    boxes = [(x, y - 11, x + 7.2 * len(label.text), y + 3) for label, x, y in placed]
    assert 3 < len(boxes) < 20
    for k, one in enumerate(boxes):
        assert 0 < one[0] < one[2] < 300
        assert 0 < one[1] < one[3] < 160
        for other in boxes[:k]:
            apart = one[2] <= other[0] or other[2] <= one[0]
            assert apart or one[3] <= other[1] or other[3] <= one[1]
