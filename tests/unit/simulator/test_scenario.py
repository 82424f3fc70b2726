"""Scenario files: what they may say, and how a bad one is refused."""

from pathlib import Path

import pytest

from scheduler.domain.errors import InputError
from simulator.command import FailNodes, RefuseBindings, ReturnNodes
from simulator.scenario import parse_scenario, read_scenario, span_s
from simulator.world import Options, World, build, open_world

HEAD = "apiVersion: isochrone.dev/v1\nkind: Scenario\nnodes: {source: metros, count: 40}\n"
HERE = Path("somewhere") / "scenario.yaml"


def world(text: str) -> World:
    return build(parse_scenario(HEAD + text, "s.yaml"), HERE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sede: 3", "s.yaml: object contains unknown field `sede`"),
        ("timing: {podStrat: 1s}", r"s.yaml: timing: object contains unknown field `podStrat`"),
        ("seed: many", "s.yaml: seed: expected `int`, got `str`"),
        ("drift: soon", 's.yaml: drift: "soon" is not a span of time'),
        ("drift: 20", "s.yaml: drift: expected `str`, got `int`"),
        ("timing: {podStart: -1s}", "timing.podStart"),
        ("settlesAfter: x", "settlesAfter"),
        ("timeline: [{at: 5s}]", r"timeline\[0\]: says nothing that happens"),
        ("timeline: [{at: 5s, cordon: a, drain: b}]", r"timeline\[0\]: says 2 things"),
        ("timeline: [{fail: {node: a}}]", r"timeline\[0\]: object missing required field `at`"),
        ("timeline: [{at: 5s, fail: {}}]", "give either node or site"),
        ("timeline: [{at: 5s, fail: {node: a, site: b}}]", "give either node or site"),
        ("timeline: [{at: 5s, fail: {node: a, for: long}}]", r"timeline\[0\].fail.for"),
        ("timeline: [{at: 5s, slow: {node: a}}]", "does not say how slow"),
        ("timeline: [{at: 5s, slow: {to: 5ms}}]", "give either link or node"),
        ("timeline: [{at: 5s, slow: {node: a, by: 0}}]", r"timeline\[0\].slow.by"),
        ("timeline: [{at: 5s, slow: {link: [a], by: 2}}]", r"timeline\[0\].slow.link"),
        ("timeline: [{at: 5s, refuseBindings: {share: 2}}]", "refuseBindings.share"),
        ("rename: [a]", "s.yaml: rename"),
        ("seed: 1\nseed: 2", "s.yaml:5"),
        ("seed: [", "is not YAML"),
        ("---\nseed: 1", "holds 2 documents"),
    ],
)
def test_a_bad_scenario_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_scenario(HEAD + text, "s.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nodes: {source: metros}", "nodes.count"),
        ("nodes: {source: matrix}", "nodes.matrix"),
        ("nodes: {source: matrix, matrix: m.txt, count: 5}", "count do not agree"),
        ("nodes: {keepNames: true}", "nodes.keepNames"),
        ("nodes: {source: moon}", "nodes.source"),
        ("kind: Pod", "kind"),
        ("- a", "expected `object`, got `array`"),
        ("", "holds 0 documents"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_scenario(text, "s.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeline: [{at: 5s, cordon: edge-99}]", r"timeline\[0\]: there is no node edge-99"),
        ("timeline: [{at: 5s, fail: {site: moon}}]", "there is no site moon; name one of"),
        ("timeline: [{at: 5s, slow: {link: [edge-1, x], by: 2}}]", "there is no node x"),
        ("timeline: [{at: 5s, submit: missing.yaml}]", "missing.yaml: does not exist"),
        ("manifests: [missing]", "missing: does not exist"),
        ("rename: {edge-99: a}", "rename: there is no node edge-99"),
        ("nodes: {source: matrix, matrix: missing.txt}", "missing.txt"),
        ("nodes: {source: metros, count: 99999}", "between 1 and 12500"),
    ],
)
def test_a_scenario_that_does_not_fit_its_nodes_is_refused(text: str, said: str) -> None:
    head = "" if text.startswith("nodes") else HEAD
    with pytest.raises(InputError, match=said):
        build(parse_scenario(head + text, "s.yaml"), HERE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_scenario(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "seconds"), [("20s", 20), ("500ms", 0.5), ("2m", 120), ("1.5h", 5400), ("0s", 0)]
)
def test_spans_of_time(text: str, seconds: float) -> None:
    assert span_s(text, "here") == seconds


def test_a_failure_for_a_while_ends_with_a_return() -> None:
    moments = world("timeline: [{at: 20s, fail: {node: edge-3, for: 30s}}]").moments

    assert [(m.at_s, m.text, m.commands) for m in moments] == [
        (20, "node edge-3 died", (FailNodes(("edge-3",)),)),
        (50, "node edge-3 is back", (ReturnNodes(("edge-3",)),)),
    ]


def test_a_site_fails_with_all_its_nodes() -> None:
    made = world("timeline: [{at: 20s, fail: {site: aldermere, how: not-ready}}]")

    (moment,) = made.moments
    assert moment.commands == (FailNodes(made.inventory.site("aldermere"), "False"),)
    assert len(made.inventory.site("aldermere")) > 1


def test_a_slow_link_is_told_to_the_network() -> None:
    made = world("timeline: [{at: 20s, slow: {link: [edge-3, edge-9], to: 80ms, for: 10s}}]")

    assert [m.text for m in made.moments] == [
        "link edge-3 – edge-9 slowed to 80ms",  # noqa: RUF001 - a dash
        "link edge-3 – edge-9 as fast as before",  # noqa: RUF001 - a dash
    ]
    table = made.network.table(25)
    assert table.from_node(table.index["edge-9"])[table.index["edge-3"]] == 80_000


def test_moments_come_in_the_order_of_their_time() -> None:
    text = "timeline: [{at: 9s, cordon: edge-1}, {at: 1s, refuseBindings: {share: 0.5, for: 2s}}]"
    moments = world(text).moments

    assert [m.at_s for m in moments] == [1, 3, 9]
    assert moments[1].commands == (RefuseBindings(0),)


def test_options_replace_what_the_scenario_says() -> None:
    made = open_world(Options(nodes=30, seed=5))

    assert len(made.cluster.all_of("Node")) == 30
    assert made.scenario.seed == 5
    assert made.scenario.manifests == ("../deployments",)


def test_a_matrix_file_makes_the_nodes(tmp_path: Path) -> None:
    matrix = tmp_path / "m.txt"
    matrix.write_text(
        "\n".join(" ".join("0" if i == j else "7" for j in range(12)) for i in range(12))
    )

    made = open_world(Options(matrix=matrix))

    assert [p.name for p in made.inventory.places][:2] == ["edge-1", "edge-2"]
    table = made.network.table(0)
    assert table.from_node(0)[1] == 7_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(nodes=5, matrix=Path("m.txt")), "contradict each other"),
        (Options(seed=-1), "--seed: -1 is negative"),
        (Options(nodes=0), "between 1 and 50000"),
        (Options(nodes=50_001), "between 1 and 50000"),
        (Options(matrix=Path("none.txt")), "none.txt"),
    ],
)
def test_bad_options_are_refused(options: Options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_world(options)


def test_a_manifest_the_cluster_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n")
    scenario = parse_scenario(HEAD + "manifests: [bad.yaml]", "s.yaml")
    made = build(scenario, tmp_path / "s.yaml")

    with pytest.raises(InputError, match=r"bad.yaml: document 1: is refused: .*containers"):
        made.submit(0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "is not an object"),
        ("kind: Rocket\nmetadata: {name: a}", "kind 'Rocket' is not kept here"),
        ("kind: Pod\nmetadata: {}", "the Pod has no name"),
        ("kind: List\nitems: [3]", "item 1: is not an object"),
        ("kind: Pod\n  metadata: x", "is not YAML"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    scenario = parse_scenario(HEAD + "manifests: [m.yaml]", "s.yaml")

    with pytest.raises(InputError, match=said):
        build(scenario, tmp_path / "s.yaml")
