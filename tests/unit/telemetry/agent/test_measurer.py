"""Measuring as a whole, on a network on paper and in time that a test turns by hand."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from telemetry.agent.burst import GAP_S
from telemetry.agent.peers import Peer
from telemetry.agent.wire import LOST_US, node_key
from tests.paper_bench import ICMP, Benches, benches, peer_at


@pytest.fixture
def bench() -> Iterator[Benches]:
    with benches() as making:
        yield making


def test_peers_are_measured_in_bursts_of_three_with_gaps_at_the_set_pace(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(20)])

    running.loop.advance(60.0)

    assert len(running.network.sent) == pytest.approx(600, abs=6)
    times = running.network.sent_to(peer_at(0).key)
    assert len(times) == 30
    for first, second, third in zip(times[::3], times[1::3], times[2::3], strict=True):
        assert second - first >= GAP_S - 1e-9
        assert third - second >= GAP_S - 1e-9
        assert third - first == pytest.approx(2 * GAP_S)
    assert {burst[1:6] for burst in running.told} == {(20_000, 20_000, 3, 0, ICMP)}


def test_a_burst_is_dated_when_it_began(bench: Benches) -> None:
    running = bench([peer_at(0)])

    running.loop.advance(5.0)

    assert running.told[0].at_s == running.network.sent[0][0]


def test_a_star_of_490_nodes_is_measured_within_one_and_a_half_seconds(bench: Benches) -> None:
    peers = [peer_at(n) for n in range(489)]
    running = bench(peers, rtt_us=40_000)

    running.urgent(7, None)
    running.loop.advance(3.0)

    assert running.done[0][0] == 7
    assert running.done[0][1] <= 1.5
    assert {burst.key for burst in running.told} == {peer.key for peer in peers}
    for peer in peers:
        first, second, third = running.network.sent_to(peer.key)[:3]
        assert second - first >= GAP_S - 1e-9
        assert third - second >= GAP_S - 1e-9


def test_urgent_orders_keep_to_the_urgent_pace(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(300)])

    running.urgent(7, None)
    running.loop.advance(1.0)

    times = [at_s for at_s, _ in running.network.sent]
    for start_s in times[::20]:
        in_a_tenth = sum(start_s <= at_s < start_s + 0.1 for at_s in times)
        assert in_a_tenth <= 100 + 50 + 1


def test_ordinary_work_waits_while_urgent_bursts_are_to_be_begun(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(490)])
    wanted = [peer_at(n).key for n in range(200)]

    running.urgent(7, wanted)
    running.loop.advance(0.5)

    begun = [key for _, key in running.network.sent]
    assert set(begun) <= set(wanted)


def test_an_order_is_done_once_every_burst_has_ended_answered_or_lost(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(10)])
    del running.network.rtt_us[peer_at(3).address, ICMP]

    running.urgent(7, [peer_at(n).key for n in range(10)])
    running.loop.advance(0.9)
    assert running.done == []
    assert len(running.told) == 9

    running.loop.advance(0.2)

    assert [order_id for order_id, _ in running.done] == [7]
    assert running.done[0][1] >= 1.0 + 2 * GAP_S - 1e-9
    (lost,) = running.told_of(peer_at(3).key)
    assert lost[1:6] == (LOST_US, LOST_US, 3, 3, ICMP)
    assert (running.measurer.probes, running.measurer.losses) == (30, 3)


def test_an_order_for_nobody_is_done_and_not_before_urgent_returns(bench: Benches) -> None:
    running = bench([peer_at(0)])

    running.urgent(1, [])
    running.urgent(2, [node_key("stranger")])
    assert running.done == []
    running.loop.advance(0.0)

    assert [order_id for order_id, _ in running.done] == [1, 2]


def test_two_orders_for_one_peer_share_a_burst_that_has_not_begun(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(100)])
    running.urgent(1, None)

    running.urgent(2, [peer_at(99).key, peer_at(99).key])
    running.loop.advance(0.6)

    assert {order_id for order_id, _ in running.done} == {1, 2}
    assert len(running.told_of(peer_at(99).key)) == 1


def test_an_order_for_a_peer_whose_burst_is_under_way_gets_a_burst_of_its_own(
    bench: Benches,
) -> None:
    running = bench([peer_at(0)], rtt_us=500_000)
    running.urgent(1, [peer_at(0).key])
    running.loop.advance(0.2)

    running.urgent(2, [peer_at(0).key])
    asked_s = running.loop.now_s()
    running.loop.advance(1.0)

    assert [order_id for order_id, _ in running.done] == [1, 2]
    assert running.told[-1].at_s >= asked_s


def test_an_order_is_done_when_the_peer_it_waits_for_is_gone(bench: Benches) -> None:
    peers = [peer_at(n) for n in range(200)]
    running = bench(peers)
    running.urgent(7, None)
    running.loop.advance(0.1)

    running.measurer.set_peers(peers[:20])
    running.loop.advance(0.3)

    assert [order_id for order_id, _ in running.done] == [7]
    assert {burst.key for burst in running.told} <= {peer.key for peer in peers[:20]}


def test_a_peer_that_moved_while_it_was_asked_is_asked_again_where_it_is(bench: Benches) -> None:
    running = bench([peer_at(0)])
    del running.network.rtt_us[peer_at(0).address, ICMP]
    running.urgent(7, [peer_at(0).key])
    running.loop.advance(0.1)

    running.network.rtt_us["10.9.9.9", ICMP] = 5_000
    running.measurer.set_peers([peer_at(0, "10.9.9.9")])
    running.loop.advance(2.0)

    assert [order_id for order_id, _ in running.done] == [7]
    assert {burst.rtt_us for burst in running.told} == {5_000}


def test_a_peer_that_is_gone_is_told_of_no_more(bench: Benches) -> None:
    running = bench([peer_at(0), peer_at(1)])
    running.loop.advance(3.0)
    running.urgent(1, None)
    running.loop.advance(0.01)
    before = len(running.told_of(peer_at(1).key))

    running.measurer.set_peers([peer_at(0)])
    running.loop.advance(10.0)

    assert len(running.told_of(peer_at(1).key)) == before


def test_the_own_node_and_bad_addresses_are_not_measured(
    bench: Benches, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Peer("here", node_key("here"), "10.0.0.200")
    running = bench([here, peer_at(1, "0.0.0.0"), peer_at(2, "edge-2"), peer_at(3)])  # noqa: S104 - nobody's

    running.loop.advance(10.0)

    assert {burst.key for burst in running.told} == {peer_at(3).key}
    said = capsys.readouterr().err
    assert "'edge-1' cannot be measured" in said
    assert "'edge-2' cannot be measured" in said


def test_the_ordinary_pace_changes_at_once(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(490)])
    running.loop.advance(10.0)
    before = len(running.network.sent)

    running.measurer.set_pace(100.0, 1000.0)
    running.loop.advance(10.0)

    assert len(running.network.sent) - before == pytest.approx(1000, abs=20)


@pytest.mark.parametrize("pps", [0.0, -5.0, float("nan"), float("inf"), 1e300])
def test_no_pace_stops_or_floods(bench: Benches, pps: float) -> None:
    running = bench([peer_at(0)])

    running.measurer.set_pace(pps, pps)
    running.loop.advance(100.0)

    assert 0 < len(running.network.sent) <= 300


def test_a_measurer_that_is_closed_tells_nothing(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(20)], rtt_us=500_000)
    running.loop.advance(3.0)
    running.urgent(7, None)
    running.loop.advance(0.1)
    told = len(running.told)

    running.measurer.close()
    running.loop.advance(5.0)

    assert len(running.told) == told
    assert running.done == []


def test_bursts_of_the_mesh_are_spread_and_not_in_step(bench: Benches) -> None:
    running = bench([peer_at(n) for n in range(100)])

    running.loop.advance(30.0)

    starts = [burst.at_s for burst in running.told]
    gaps = {round(b - a, 3) for a, b in pairwise(sorted(starts))}
    assert len(gaps) > 20  # of 24, between groups of four
