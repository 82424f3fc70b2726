"""With which method a peer is measured, on a network on paper."""

from collections.abc import Iterator

import pytest

from telemetry.agent.wire import LOST_US
from tests.paper_bench import ICMP, TCP, UDP, Benches, benches, peer_at


@pytest.fixture
def bench() -> Iterator[Benches]:
    with benches() as making:
        yield making


def test_without_icmp_udp_is_used_and_said(
    bench: Benches, capsys: pytest.CaptureFixture[str]
) -> None:
    running = bench([peer_at(0)], refused=frozenset((ICMP,)))
    running.network.rtt_us[peer_at(0).address, UDP] = 7_000

    running.loop.advance(5.0)

    assert running.measurer.method == "udp"
    assert {burst[1:6] for burst in running.told} == {(7_000, 7_000, 3, 0, UDP)}
    assert "ping_group_range" in capsys.readouterr().err


def test_icmp_that_is_allowed_later_is_used_from_then_on(bench: Benches) -> None:
    running = bench([peer_at(0)], refused=frozenset((ICMP,)))
    running.network.rtt_us[peer_at(0).address, UDP] = 7_000
    running.loop.advance(5.0)

    running.network.refused = frozenset()
    running.loop.advance(70.0)

    assert running.measurer.method == "icmp"
    assert running.told[-1].method == ICMP


def test_a_peer_icmp_does_not_reach_is_tried_by_udp_then_tcp(bench: Benches) -> None:
    running = bench([peer_at(0), peer_at(1)])
    del running.network.rtt_us[peer_at(0).address, ICMP]
    running.network.rtt_us[peer_at(0).address, TCP] = 9_000

    running.loop.advance(8.0)

    told = [(burst.method, burst.rtt_us) for burst in running.told_of(peer_at(0).key)]
    assert told[:3] == [(ICMP, LOST_US)] * 3
    assert told[3] == (UDP, LOST_US)
    assert set(told[4:]) == {(TCP, 9_000)}
    assert {burst.method for burst in running.told_of(peer_at(1).key)} == {ICMP}
    assert running.measurer.method == "icmp"


def test_two_lost_bursts_are_no_reason_to_change_the_method(bench: Benches) -> None:
    running = bench([peer_at(0)])
    del running.network.rtt_us[peer_at(0).address, ICMP]
    running.network.rtt_us[peer_at(0).address, UDP] = 9_000
    while len(running.told) < 2:
        running.loop.advance(0.02)

    running.network.rtt_us[peer_at(0).address, ICMP] = 20_000
    running.loop.advance(10.0)

    assert {burst.method for burst in running.told} == {ICMP}


def test_icmp_that_passes_again_is_used_again_and_trials_before_say_nothing(
    bench: Benches,
) -> None:
    running = bench([peer_at(0)])
    del running.network.rtt_us[peer_at(0).address, ICMP]
    running.network.rtt_us[peer_at(0).address, UDP] = 9_000
    running.loop.advance(120.0)
    told = [burst.rtt_us for burst in running.told_of(peer_at(0).key)]
    assert told[3:] == [9_000] * len(told[3:])
    assert running.measurer.losses > 9  # the trials are packets too

    running.network.rtt_us[peer_at(0).address, ICMP] = 8_000
    running.loop.advance(600.0)

    assert running.told[-1][1:6] == (8_000, 8_000, 3, 0, ICMP)


def test_a_peer_that_died_stays_lost_by_every_method_and_comes_back(bench: Benches) -> None:
    running = bench([peer_at(0)])
    running.loop.advance(5.0)
    del running.network.rtt_us[peer_at(0).address, ICMP]
    running.loop.advance(1.5)
    alive = len(running.told)
    running.loop.advance(60.0)
    assert {burst.rtt_us for burst in running.told[alive:]} == {LOST_US}

    for method in (ICMP, UDP, TCP):
        running.network.rtt_us[peer_at(0).address, method] = 20_000
    running.loop.advance(30.0)

    assert running.told[-1][1:6] == (20_000, 20_000, 3, 0, ICMP)


def test_where_nothing_can_be_sent_every_burst_is_lost(bench: Benches) -> None:
    running = bench([peer_at(0)], refused=frozenset((ICMP, UDP, TCP)))

    running.loop.advance(5.0)

    assert {burst.rtt_us for burst in running.told} == {LOST_US}
