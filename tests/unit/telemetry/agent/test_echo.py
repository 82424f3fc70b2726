"""UDP echoes and TCP connections on loopback, and what strangers send there."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry.agent.addresses import Address, parse
from telemetry.agent.icmp import checksum
from telemetry.agent.methods import open_prober
from telemetry.agent.open_burst import OpenBurst
from telemetry.agent.responder import Responder
from telemetry.agent.udp_echo import REPLIES_PER_S
from tests.hand_loop import answering
from tests.skipping_loop import SkippingLoop, skipping_loop

UDP, TCP = 2, 3
HERE = parse("127.0.0.1")
PACKET = struct.Struct("<4sBBH8sQ32x")


@pytest.fixture
def loop() -> Iterator[SkippingLoop]:
    with skipping_loop() as running:
        yield running


@pytest.fixture
def responder(loop: SkippingLoop) -> Iterator[Responder]:
    with answering(loop) as running:
        yield running


@contextmanager
def _burst(
    loop: SkippingLoop, method: int, port: int, address: Address = HERE
) -> Iterator[OpenBurst]:
    prober = open_prober(loop, method, address.family, port)
    burst = OpenBurst(1, address, prober, loop.now_s())
    is_over = False

    def look() -> None:
        if not is_over:
            prober.read()
            loop.call_at(loop.now_s() + 0.005, look)

    look()
    yield burst
    is_over = True
    prober.forget(burst)
    prober.close()


@contextmanager
def _peer(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Give a socket that stands for another agent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.settimeout(5)
        yield sock


def _request(kind: int = 1, version: bytes = b"iso1", held_ns: int = 0) -> bytes:
    return PACKET.pack(version, kind, 2, 777, b"nonce678", held_ns)


@pytest.mark.parametrize("method", [UDP, TCP])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_responder_answers_bursts(
    loop: SkippingLoop, responder: Responder, method: int, host: str
) -> None:
    with _burst(loop, method, responder.port, parse(host)) as burst:
        for _ in range(3):
            burst.send()
        loop.until(lambda: len(burst.rtts_us) == 3)

        result = burst.result()

    assert (result.lost, result.method) == (0, method)
    assert 0 < result.least_us <= result.rtt_us < 1_000_000


def test_the_time_a_peer_held_a_packet_is_subtracted(loop: SkippingLoop) -> None:
    held_ns = 500_000_000
    with _peer() as peer, _burst(loop, UDP, peer.getsockname()[1]) as burst:
        burst.send()
        request, source = peer.recvfrom(100)
        version, _, place, number, nonce, _ = PACKET.unpack(request)
        loop.pass_by(0.6)  # held: longer than it says
        peer.sendto(PACKET.pack(version, 2, place, number, nonce, held_ns), source)
        loop.until(lambda: burst.rtts_us)

        assert 100_000 <= burst.rtts_us[0] < 500_000


@pytest.mark.parametrize("held_ns", [2_000_000_000, 2**64 - 1])
def test_a_peer_that_says_it_held_a_packet_longer_than_it_was_away_measures_nothing(
    loop: SkippingLoop, held_ns: int
) -> None:
    with _peer() as peer, _burst(loop, UDP, peer.getsockname()[1]) as burst:
        burst.send()
        request, source = peer.recvfrom(100)
        version, _, place, number, nonce, _ = PACKET.unpack(request)
        peer.sendto(PACKET.pack(version, 2, place, number, nonce, held_ns), source)
        loop.pass_by(0.1)

        assert burst.rtts_us == []


@pytest.mark.parametrize("wrong", ["version", "kind", "number", "nonce", "short", "long", "empty"])
def test_a_reply_with_anything_wrong_is_no_answer(loop: SkippingLoop, wrong: str) -> None:
    with _peer() as peer, _burst(loop, UDP, peer.getsockname()[1]) as burst:
        burst.send()
        request, source = peer.recvfrom(100)
        version, _, place, number, nonce, _ = PACKET.unpack(request)
        reply = PACKET.pack(
            b"iso2" if wrong == "version" else version,
            1 if wrong == "kind" else 2,
            place,
            number ^ 1 if wrong == "number" else number,
            bytes(8) if wrong == "nonce" else nonce,
            0,
        )
        cut = {"short": reply[:-1], "long": reply + b"\0", "empty": b""}.get(wrong, reply)
        peer.sendto(cut, source)
        loop.pass_by(0.1)
        assert burst.rtts_us == []

        peer.sendto(PACKET.pack(version, 2, place, number, nonce, 0), source)
        loop.until(lambda: burst.rtts_us)


def test_a_right_reply_from_another_place_is_no_answer(loop: SkippingLoop) -> None:
    with (
        _peer() as peer,
        _peer() as stranger,
        _peer("127.0.0.9") as far,
        _burst(loop, UDP, peer.getsockname()[1]) as burst,
    ):
        burst.send()
        request, source = peer.recvfrom(100)
        version, _, place, number, nonce, _ = PACKET.unpack(request)
        for other in (stranger, far):
            other.sendto(PACKET.pack(version, 2, place, number, nonce, 0), source)
        loop.pass_by(0.1)

        assert burst.rtts_us == []


def test_a_reply_that_comes_twice_counts_once(loop: SkippingLoop) -> None:
    with _peer() as peer, _burst(loop, UDP, peer.getsockname()[1]) as burst:
        burst.send()
        request, source = peer.recvfrom(100)
        version, _, place, number, nonce, _ = PACKET.unpack(request)
        for _ in range(3):
            peer.sendto(PACKET.pack(version, 2, place, number, nonce, 0), source)
        loop.pass_by(0.1)

        assert len(burst.rtts_us) == 1


def test_a_reply_is_as_long_as_its_request_and_says_how_long_it_was_held(
    loop: SkippingLoop, responder: Responder
) -> None:
    with _peer() as peer:
        peer.sendto(_request(held_ns=2**64 - 1), ("127.0.0.1", responder.port))
        peer.settimeout(0.3)  # lies unread for so long
        with pytest.raises(TimeoutError):
            peer.recv(100)
        loop.pass_by(0.05)
        reply = peer.recv(100)

    assert len(reply) == len(_request())
    version, kind, place, number, nonce, held_ns = PACKET.unpack(reply)
    assert (version, kind, place, number, nonce) == (b"iso1", 2, 2, 777, b"nonce678")
    assert 250_000_000 <= held_ns < 1_000_000_000


@pytest.mark.parametrize(
    "stray",
    [
        b"",
        b"x",
        _request()[:-1],
        _request() + b"\0",
        _request(version=b"iso9"),
        _request(kind=2),
        bytes(range(56)),
    ],
    ids=["empty", "a byte", "short", "long", "another version", "a reply", "noise"],
)
def test_strays_are_not_answered(loop: SkippingLoop, responder: Responder, stray: bytes) -> None:
    with _peer() as peer:
        peer.sendto(stray, ("127.0.0.1", responder.port))
        peer.sendto(_request(), ("127.0.0.1", responder.port))
        loop.pass_by(0.1)

        assert PACKET.unpack(peer.recv(100))[3] == 777
        peer.settimeout(0)
        with pytest.raises(BlockingIOError):
            peer.recv(100)


def test_a_flood_is_answered_at_a_bounded_pace(loop: SkippingLoop, responder: Responder) -> None:
    answered, began_s = 0, loop.now_s()
    with _peer() as peer:
        peer.settimeout(0)
        for _ in range(50):
            for _ in range(100):
                peer.sendto(_request(), ("127.0.0.1", responder.port))
            loop.pass_by(0.0)
            answered += _waiting(peer)
    took_s = loop.now_s() - began_s

    # What may be caught up on after a rest is a twentieth of a second's.
    assert 0 < answered <= REPLIES_PER_S * (took_s + 0.05) + 1


def _waiting(peer: socket.socket) -> int:
    count = 0
    while True:
        try:
            peer.recv(100)
        except BlockingIOError:
            return count
        count += 1


def test_connections_are_taken_and_ended(loop: SkippingLoop, responder: Responder) -> None:
    with socket.create_connection(("127.0.0.1", responder.port), timeout=5) as connection:
        loop.pass_by(0.05)

        assert connection.recv(1) == b""


def test_a_refused_connection_is_a_lost_packet(loop: SkippingLoop) -> None:
    with _peer() as taken, _burst(loop, TCP, taken.getsockname()[1]) as burst:
        burst.send()
        loop.pass_by(0.1)

        assert burst.result().lost == 1


@pytest.mark.parametrize("method", [UDP, TCP])
def test_an_address_no_packet_gets_to_is_a_lost_packet(loop: SkippingLoop, method: int) -> None:
    far = Address(socket.AF_INET, "255.255.255.255")
    with _burst(loop, method, 9, far) as burst:
        burst.send()

        assert burst.result()[3:5] == (1, 1)


def test_a_port_that_is_taken_is_said_and_no_fault(
    loop: SkippingLoop, responder: Responder
) -> None:
    said: list[str] = []

    Responder(loop, responder.port, said.append).close()

    assert len(said) == 2
    assert f"no answers by UDP on port {responder.port}: Address already in use" in said


def test_a_burst_that_is_over_leaves_no_connection(
    loop: SkippingLoop, responder: Responder
) -> None:
    with _burst(loop, TCP, responder.port) as burst:
        before = _descriptors()
        for _ in range(3):
            burst.send()
        burst.prober.forget(burst)

        assert _descriptors() == before


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_checksum_is_that_of_the_rfc() -> None:
    # RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 sum up to ddf2.
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == (0xFFFF ^ 0xDDF2).to_bytes(2, "big")
