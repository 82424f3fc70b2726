"""What agents measure over real packets, in namespaces whose distances are known.

Every agent here runs without any capability. Nothing may ever be measured nearer than it is: a
packet is held for its delay in full. How much farther it may seem is left generous, for the
machine is shared; how near it really comes is measured by `benchmarks/bench_agent.py`.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from telemetry.agent.wire import LOST_US
from tests.real.measuring import Measuring
from tests.real.namespaces import Network

pytestmark = pytest.mark.xdist_group("packets")

ICMP, UDP, TCP = 1, 2, 3
FARTHER_MS = 3.0
"""What a median may be above the truth on a machine that is busy with other things."""
ONCE = (sys.executable, "-m", "telemetry.agent", "--once")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(["near", "a", "b", "c", "d", "e", "f", "g", "crowd"]) as running:
        yield running


def _begin(network: Network, target: str, *flags: str) -> "subprocess.Popen[str]":
    command = [*ONCE, "--target", target, *flags]
    return network.run("near", command, has_rights=False, stdout=subprocess.PIPE)


def _end(process: "subprocess.Popen[str]") -> dict[str, Any]:
    line = process.communicate(timeout=120)[0]
    assert process.returncode in (0, 1)
    return dict(json.loads(line))


def _without_loss(
    told: dict[str, Any], again: "Callable[[], subprocess.Popen[str]]"
) -> dict[str, Any]:
    """Measure again, twice at most, where a packet was lost.

    A busy machine may give an answer more than a second late, now and then; what we lose ourselves,
    we lose each time.
    """
    for _ in range(2):
        if told["lost"]:
            told = _end(again())
    return told


def _assert_true(told: Mapping[str, Any], rtt_ms: float) -> None:
    assert rtt_ms <= told["min_ms"] <= told["median_ms"] <= rtt_ms + FARTHER_MS, told


def _assert_all_true(bursts: list[dict[str, Any]], rtt_ms: float, method: int = ICMP) -> None:
    """Every burst is answered, none is too near, and the middle one is not too far."""
    assert [burst["method"] for burst in bursts] == [method] * len(bursts)
    assert all(rtt_ms * 1000 <= burst["least_us"] <= burst["rtt_us"] < LOST_US for burst in bursts)
    middle = sorted(burst["rtt_us"] for burst in bursts)[len(bursts) // 2]
    assert middle <= (rtt_ms + FARTHER_MS) * 1000, bursts


def _is_lost(burst: Mapping[str, Any]) -> bool:
    whole = (LOST_US, LOST_US, burst["sent"])
    return (burst["rtt_us"], burst["least_us"], burst["lost"]) == whole


@pytest.mark.parametrize("version", [4, 6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("method", ["icmp", "udp", "tcp"])
def test_set_distances_are_found_by_every_method(
    network: Network, method: str, version: int
) -> None:
    rtts_ms = {"a": 0.0, "b": 1.0, "c": 10.0, "d": 25.0, "e": 150.0}
    for node, rtt_ms in rtts_ms.items():
        network.set_rtt("near", node, rtt_ms)
    answering = [Measuring(network, node) for node in rtts_ms]
    for agent in answering:
        agent.__enter__()

    flags = ("--count", "25", "--method", method)
    running = {n: _begin(network, network.address(n, version=version), *flags) for n in rtts_ms}
    told = {node: _end(process) for node, process in running.items()}
    for node in rtts_ms:
        target = network.address(node, version=version)
        told[node] = _without_loss(told[node], lambda: _begin(network, target, *flags))  # noqa: B023 - called at once

    for agent in answering:
        agent.__exit__()
    for node, rtt_ms in rtts_ms.items():
        assert (told[node]["method"], told[node]["lost"]) == (method, 0)
        _assert_true(told[node], rtt_ms)


def test_a_distance_is_the_sum_of_both_ways(network: Network) -> None:
    network.set_delay("near", "f", 5.0)
    network.set_delay("f", "near", 20.0)

    _assert_true(_end(_begin(network, network.address("f"), "--count", "25")), 25.0)


def test_of_twenty_packets_one_is_lost_and_the_distance_stays(network: Network) -> None:
    network.set_rtt("near", "g", 10.0)
    network.set_loss("g", "near", 0.05)

    told = _end(_begin(network, network.address("g"), "--count", "500"))

    network.set_loss("g", "near", 0.0)
    # 5 % of 500 are 25; fewer than 8 or more than 50 come once in ten thousand draws at most.
    assert 8 <= told["lost"] <= 50
    assert told["loss"] == round(told["lost"] / 500, 4)
    _assert_true(told, 10.0)


def test_copies_of_answers_count_once(network: Network) -> None:
    network.set_rtt("near", "f", 10.0)
    network.set_copies("near", "f", 2)
    network.set_copies("f", "near", 3)

    with Measuring(network, "near", "--pps", "100") as agent:
        agent.set_peers({"f": network.address("f")})
        bursts = agent.bursts("f", 4)

    network.set_copies("near", "f", 1)
    network.set_copies("f", "near", 1)
    assert {(burst["sent"], burst["lost"]) for burst in bursts} == {(3, 0)}
    _assert_all_true(bursts, 10.0)


def test_an_answer_that_comes_too_late_is_a_loss_and_belongs_to_no_later_packet(
    network: Network,
) -> None:
    network.set_delay("near", "f", 5.0)
    network.set_delay("f", "near", 1_300.0)

    with Measuring(network, "near", "--pps", "100") as agent:
        agent.set_peers({"f": network.address("f")})
        # Not three in a row: then another method would be tried.
        late = agent.bursts("f", 2)
        network.set_delay("f", "near", 5.0)
        after = agent.until(lambda line: not _is_lost(line), "an answer")
        after += agent.bursts("f", 5)

    assert all(map(_is_lost, late))
    answered = [burst for burst in after if not _is_lost(burst)]
    assert len(after) - len(answered) <= 1  # the one under way when the link changed
    _assert_all_true(answered[1:], 10.0)


def test_a_link_that_changes_is_seen_as_it_is_and_as_nothing_in_between(network: Network) -> None:
    network.set_rtt("near", "f", 10.0)
    with Measuring(network, "near", "--pps", "100") as agent:
        agent.set_peers({"f": network.address("f")})
        before = agent.bursts("f", 5)

        network.set_rtt("near", "f", 60.0)
        agent.bursts("f", 1)  # may have begun before
        after = agent.bursts("f", 5)

    _assert_all_true(before, 10.0)
    _assert_all_true(after, 60.0)


def test_a_peer_that_dies_is_lost_and_found_when_it_is_back(network: Network) -> None:
    network.set_rtt("near", "f", 10.0)
    with Measuring(network, "f"), Measuring(network, "near", "--pps", "100") as agent:
        agent.set_peers({"f": network.address("f")})
        _assert_all_true(agent.bursts("f", 3), 10.0)

        network.cut("near", "f")
        agent.bursts("f", 1)
        dead = agent.bursts("f", 4)
        network.mend("near", "f")
        agent.until(lambda line: not _is_lost(line), "an answer")
        # Whatever method found it again, ICMP is back at the first trial.
        agent.until(lambda line: line["method"] == ICMP, "ICMP")
        back = agent.bursts("f", 3)

    assert all(map(_is_lost, dead))
    _assert_all_true(back, 10.0)


def test_a_peer_that_restarts_with_another_address_is_measured_there(network: Network) -> None:
    network.set_rtt("near", "g", 10.0)
    with Measuring(network, "near", "--pps", "100") as agent:
        agent.set_peers({"g": network.address("g")})
        _assert_all_true(agent.bursts("g", 2), 10.0)

        new = network.move("g")
        agent.bursts("g", 1)
        gone = agent.bursts("g", 2)
        agent.set_peers({"g": new})
        there = agent.until(lambda line: not _is_lost(line), "an answer")[-1:]
        there += agent.bursts("g", 3)

    assert all(map(_is_lost, gone))
    _assert_all_true(there, 10.0)


def test_without_leave_to_ping_udp_measures_and_then_icmp_when_it_is_allowed(
    network: Network,
) -> None:
    network.set_rtt("near", "f", 10.0)
    network.set_sysctl("near", "net/ipv4/ping_group_range", "1 0")
    try:
        with Measuring(network, "f"), Measuring(network, "near", "--pps", "100") as agent:
            agent.set_peers({"f": network.address("f")})
            bursts = agent.bursts("f", 4)
            told = _end(_begin(network, network.address("f"), "--count", "10"))
    finally:
        network.set_sysctl("near", "net/ipv4/ping_group_range", "0 2147483647")

    _assert_all_true(bursts, 10.0, UDP)
    assert told["method"] == "udp"
    _assert_true(told, 10.0)


@pytest.mark.parametrize("version", [4, 6])
def test_by_hand_as_root_a_socket_of_raw_packets_stands_in_for_leave_to_ping(
    network: Network, version: int
) -> None:
    network.set_rtt("near", "f", 10.0)
    network.set_sysctl("near", "net/ipv4/ping_group_range", "1 0")
    target = network.address("f", version=version)
    command = [*ONCE, "--target", target, "--count", "10"]
    try:
        told = _end(network.run("near", command, stdout=subprocess.PIPE))
        told = _without_loss(told, lambda: network.run("near", command, stdout=subprocess.PIPE))
    finally:
        network.set_sysctl("near", "net/ipv4/ping_group_range", "0 2147483647")

    assert told["method"] == "icmp"
    assert told["lost"] == 0
    _assert_true(told, 10.0)


def test_a_peer_that_does_not_answer_icmp_is_measured_by_udp_and_the_others_are_not(
    network: Network,
) -> None:
    network.set_rtt("near", "f", 10.0)
    network.set_rtt("near", "a", 1.0)
    network.set_sysctl("f", "net/ipv4/icmp_echo_ignore_all", "1")
    try:
        with Measuring(network, "f"), Measuring(network, "near", "--pps", "100") as agent:
            agent.set_peers({"f": network.address("f"), "a": network.address("a")})
            lines = agent.until(lambda line: line["peer"] == "f" and not _is_lost(line), "f")
            bursts = agent.bursts("f", 3)
            others = agent.bursts("a", 2)
    finally:
        network.set_sysctl("f", "net/ipv4/icmp_echo_ignore_all", "0")

    lost = [line for line in lines if line["peer"] == "f" and _is_lost(line)]
    assert [burst["method"] for burst in lost] == [ICMP] * 3
    _assert_all_true(bursts, 10.0, UDP)
    _assert_all_true(others, 1.0)


def test_what_answers_neither_icmp_nor_udp_is_measured_by_tcp(network: Network) -> None:
    network.set_rtt("near", "e", 10.0)
    network.set_sysctl("e", "net/ipv4/icmp_echo_ignore_all", "1")
    listening = "import socket; s = socket.create_server(('', 10254)); print(1, flush=True); [s.accept() for _ in iter(int, 1)]"  # noqa: E501 - a program
    try:
        server = network.run("e", [sys.executable, "-c", listening], stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        with Measuring(network, "near", "--pps", "100") as agent:
            agent.set_peers({"e": network.address("e")})
            agent.until(lambda line: not _is_lost(line), "an answer")
            bursts = agent.bursts("e", 3)
        server.kill()
    finally:
        network.set_sysctl("e", "net/ipv4/icmp_echo_ignore_all", "0")

    _assert_all_true(bursts, 10.0, TCP)


def test_a_peer_too_busy_to_answer_at_once_is_no_farther_by_udp(network: Network) -> None:
    network.set_rtt("near", "f", 10.0)
    with Measuring(network, "f", "--drowsy", "60"):
        told = _end(_begin(network, network.address("f"), "--count", "60", "--method", "udp"))

    # Answers lie there for 30 ms on average; with that, the median would be 40.
    _assert_true(told, 10.0)


def test_an_agent_too_busy_to_read_at_once_measures_no_farther(network: Network) -> None:
    network.set_rtt("near", "f", 10.0)
    with Measuring(network, "near", "--pps", "100", "--drowsy", "60") as agent:
        agent.set_peers({"f": network.address("f")})
        _assert_all_true(agent.bursts("f", 5), 10.0)


@pytest.mark.parametrize("method", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize("target", ["10.99.0.1", "2001:db8::1", "198.18.255.254"])
def test_where_no_way_leads_packets_are_lost(network: Network, target: str, method: str) -> None:
    told = _end(_begin(network, target, "--count", "3", "--method", method))

    assert told == {
        "target": target,
        "method": method,
        "sent": 3,
        "lost": 3,
        "loss": 1.0,
        "min_ms": None,
        "median_ms": None,
    }


def test_a_star_of_490_nodes_is_measured_on_demand(network: Network) -> None:
    network.set_rtt("near", "crowd", 25.0)
    peers = {f"edge-{n}": address for n, address in enumerate(network.crowd("crowd", 489))}
    with Measuring(network, "near") as agent:
        agent.set_peers(peers)
        agent.urgent(7)
        *bursts, done = agent.until(lambda line: "done" in line, "the star")

    assert done == {"done": 7}
    assert {burst["peer"] for burst in bursts} == set(peers)
    assert sum(burst["lost"] for burst in bursts) <= 15  # a hundredth, where buffers overflow
    _assert_all_true(bursts, 25.0)
