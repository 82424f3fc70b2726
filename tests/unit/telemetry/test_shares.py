"""Shares of pairs that are not known."""

import numpy as np
import pytest

from telemetry.agent.wire import node_key
from telemetry.keeping import KeepSettings
from telemetry.model import empty_rtt
from telemetry.rows import MeasuredRow
from telemetry.shares import PairShares, pair_shares
from telemetry.stamps import MaxAges, Origin
from telemetry.store import RttStore
from tests.builders import rtt_ms


def measured(node: str, *peers: str) -> MeasuredRow:
    """Return what an agent reports of peers that are each 1 ms away."""
    count = len(peers)
    keys = np.array([node_key(peer) for peer in peers], dtype=np.uint64)
    rtt_us, small = np.full(count, 1_000, dtype=np.int32), np.zeros(count, dtype=np.uint8)
    ages = np.zeros(count, dtype=np.uint32)
    return MeasuredRow(node, keys, rtt_us, rtt_us, ages, small + 3, small, small + 1)


def test_a_pair_measured_in_one_direction_is_known() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, 1, -1], [-1, 0, -1], [-1, 2, 0]])
    assert pair_shares(rtt) == PairShares(1 / 3, None)


@pytest.mark.parametrize("names", [(), ("a",)])
def test_without_pairs_nothing_is_unknown(names: tuple[str, ...]) -> None:
    rtt = rtt_ms(names, [[0]]) if names else empty_rtt()
    assert pair_shares(rtt) == PairShares(0.0, None)


def test_what_was_measured_too_long_ago_is_stale_and_not_unknown() -> None:
    now = [0.0]
    store = RttStore(KeepSettings(MaxAges({Origin.AGENT: 60.0})), lambda: now[0])
    store.know(["a", "b", "c"])
    store.take(measured("a", "b"))
    now[0] = 100.0
    store.take(measured("c", "b"))

    # Of three pairs one is stale, one fresh, and one was never measured.
    third = 1 / 3
    assert pair_shares(store.frozen()) == PairShares(third, third)
