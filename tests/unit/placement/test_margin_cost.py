"""A node with a tenth of the budget to spare is preferred where RTTs drift, and only preferred."""

import numpy as np

from scheduler.domain.snapshot import build_snapshot
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.planning.plan import plan
from telemetry.keeping import KeepSettings
from telemetry.model import RttMatrix
from telemetry.stamps import MaxAges
from telemetry.store import RttStore
from tests.builders import node, pod, within
from tests.true_network import measured_row

BY_MARGIN = PlacementSettings(cost=CostSettings(latency_weight=0))


def live(rtt_ms: dict[str, float]) -> object:
    store = RttStore(KeepSettings(MaxAges()), lambda: 0.0)
    store.know(["a", *rtt_ms])
    store.take(measured_row("a", {name: round(ms * 1000) for name, ms in rtt_ms.items()}))
    return store.frozen()


def placed(rtt: object, *names: str, settings: PlacementSettings = BY_MARGIN) -> str:
    full = pod("full", cpu_milli=4_000)
    busy = pod("busy", cpu_milli=2_000)
    snapshot = build_snapshot(
        [node("a"), *map(node, names)],
        [pod("p", delays=(within(25, "a"),))],
        placed=[(full, "a"), (busy, "c")],
        rtt=rtt,  # type: ignore[arg-type] # one of two kinds of table
    )
    made = plan(snapshot, settings)
    return made.placement["default/p"]


def test_measured_live_a_busier_node_with_margin_is_preferred_to_one_at_the_edge() -> None:
    assert placed(live({"b": 24.9, "c": 20.0}), "b", "c") == "c"


def test_without_the_weight_load_alone_decides() -> None:
    settings = PlacementSettings(cost=CostSettings(latency_weight=0, margin_weight=0))
    assert placed(live({"b": 24.9, "c": 20.0}), "b", "c", settings=settings) == "b"


def test_a_node_at_the_edge_is_taken_where_there_is_no_other() -> None:
    assert placed(live({"b": 25.0, "c": 25.1}), "b", "c") == "b"


def test_in_a_file_nothing_drifts_and_the_margin_costs_nothing() -> None:
    rtt_us = np.array([[0, 24_900, 20_000], [24_900, 0, 1], [20_000, 1, 0]], dtype=np.int32)
    assert placed(RttMatrix(("a", "b", "c"), rtt_us), "b", "c") == "b"
