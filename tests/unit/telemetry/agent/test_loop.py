"""The loop: sockets, timers, and its end."""

import signal
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from telemetry.agent.loop import READ, WRITE, Loop

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


def test_timers_are_called_in_the_order_of_their_times_and_of_asking(loop: Loop) -> None:
    called: list[str] = []
    now_s = loop.now_s()
    for name, after_s in (("c", 0.02), ("a", 0.0), ("b", 0.0)):
        loop.call_at(now_s + after_s, partial(called.append, name))
    loop.call_at(now_s + 0.01, partial(called.append, "never")).cancel()
    loop.call_at(now_s + 0.03, loop.stop)

    loop.run()

    assert called == ["a", "b", "c"]


def test_no_timer_is_called_too_soon(loop: Loop) -> None:
    late_s: list[float] = []
    for place in range(20):
        at_s = loop.now_s() + place * 0.0007
        loop.call_at(at_s, lambda at_s=at_s: late_s.append(loop.now_s() - at_s))  # type: ignore[misc]
    loop.call_at(loop.now_s() + 0.02, loop.stop)

    loop.run()

    assert len(late_s) == 20
    assert min(late_s) >= 0


def test_what_is_asked_for_at_once_again_and_again_keeps_no_socket_waiting(
    loop: Loop, pair: Pair
) -> None:
    def again() -> None:
        loop.call_at(loop.now_s(), again)

    again()
    loop.watch(pair[0], READ, lambda _: loop.stop())
    pair[1].send(b"x")

    loop.run()


def test_watching_again_replaces(loop: Loop, pair: Pair) -> None:
    seen: list[tuple[str, int]] = []
    loop.watch(pair[0], READ, lambda events: seen.append(("first", events)))

    def second(events: int) -> None:
        seen.append(("second", events))
        loop.stop()

    loop.watch(pair[0], READ | WRITE, second)
    pair[1].send(b"x")
    loop.run()

    assert seen == [("second", READ | WRITE)]


def test_an_unwatched_socket_is_silent_even_within_the_round(loop: Loop, pair: Pair) -> None:
    seen: list[socket.socket] = []

    def ready(which: socket.socket, other: socket.socket) -> None:
        seen.append(which)
        loop.unwatch(other)
        loop.unwatch(other)  # once more does nothing
        loop.unwatch(which)

    one, other = pair
    loop.watch(one, WRITE, lambda _: ready(one, other))
    loop.watch(other, WRITE, lambda _: ready(other, one))
    loop.call_at(loop.now_s() + 0.02, loop.stop)

    loop.run()

    assert len(seen) == 1


def test_a_hang_up_is_found_by_reading(loop: Loop, pair: Pair) -> None:
    read: list[bytes] = []

    def ready(_: int) -> None:
        read.append(pair[0].recv(1))
        loop.stop()

    loop.watch(pair[0], READ, ready)
    pair[1].close()

    loop.run()

    assert read == [b""]


def test_a_closed_socket_can_be_unwatched(loop: Loop) -> None:
    closed = socket.socket()
    closed.close()

    loop.unwatch(closed)


def test_a_stop_before_the_run_and_one_by_a_signal_end_it(loop: Loop) -> None:
    loop.stop()
    loop.run()

    before = signal.signal(signal.SIGUSR1, lambda *_: loop.stop())
    loop.call_at(loop.now_s() + 0.01, lambda: signal.raise_signal(signal.SIGUSR1))
    loop.run()
    signal.signal(signal.SIGUSR1, before)
