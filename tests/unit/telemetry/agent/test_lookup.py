"""Names are looked up beside the loop, and what is wrong with them is said once."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.agent.config import ReportingConfig, read_url
from telemetry.agent.http import Target
from telemetry.agent.lookup import Found, Lookup
from telemetry.agent.targets import Targets
from tests.skipping_loop import SkippingLoop, skipping_loop


@pytest.fixture
def loop() -> Iterator[SkippingLoop]:
    """Give a loop whose time can be skipped."""
    with skipping_loop() as running:
        yield running


def children() -> set[str]:
    """Return the processes this one has started and not waited for."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def looking(loop: SkippingLoop, *wanted: tuple[str, int]) -> list[Found]:
    came: list[list[Found]] = []
    Lookup(loop, wanted, came.append).start()
    loop.until(lambda: came)
    return came[0]


def test_names_and_addresses_are_looked_up_together_and_leave_no_process(
    loop: SkippingLoop,
) -> None:
    before = children()

    local, numeric = looking(loop, ("localhost", 80), ("127.0.0.9", 81))

    assert (socket.AF_INET, ("127.0.0.1", 80)) in local.addresses
    assert numeric == Found(((socket.AF_INET, ("127.0.0.9", 81)),))
    assert children() == before


def test_addresses_need_no_process(loop: SkippingLoop) -> None:
    assert looking(loop, ("::1", 80)) == [Found(((socket.AF_INET6, ("::1", 80, 0, 0)),))]


def test_a_name_that_cannot_be(loop: SkippingLoop) -> None:
    unknown, endless = looking(loop, ("no-such-name.invalid", 80), ("x" * 300, 80))

    assert unknown.addresses == ()
    assert unknown.error
    assert endless.addresses == ()
    assert endless.error


def test_a_lookup_that_is_closed_ends_its_process_and_tells_nobody(loop: SkippingLoop) -> None:
    before = children()
    came: list[object] = []
    lookup = Lookup(loop, [("localhost", 80)], came.append)
    lookup.start()
    assert children() != before

    lookup.close()
    loop.pass_by(0.05)

    assert children() == before
    assert came == []


def test_all_addresses_of_all_names_are_targets(loop: SkippingLoop) -> None:
    changes: list[tuple[Target, ...]] = []
    said: list[str] = []
    urls = tuple(map(read_url, ("http://127.0.0.7:1", "http://no-such-name.invalid:2")))
    targets = Targets(loop, ReportingConfig("me", urls), changes.append, said.append)
    targets.start()
    loop.until(lambda: changes)

    assert changes[0] == (Target(urls[0], socket.AF_INET, ("127.0.0.7", 1)),)
    loop.until(lambda: len(said) == 2)
    assert "no-such-name.invalid:2: cannot be looked up" in said[1]
    loop.skip(60.0)
    loop.pass_by(0.1)
    targets.close()
    assert len(said) == 2, "said once, not with every try"
    assert len(changes) == 1, "told when something changes"


def test_no_more_replicas_are_reported_to_than_allowed(loop: SkippingLoop) -> None:
    changes: list[tuple[Target, ...]] = []
    said: list[str] = []
    urls = tuple(read_url(f"http://127.0.0.{at}:1") for at in range(1, 12))
    targets = Targets(loop, ReportingConfig("me", urls), changes.append, said.append)
    targets.start()
    loop.until(lambda: changes)
    targets.close()

    assert len(changes[0]) == 8
    assert "schedulers: 11 addresses; reporting to 8 of them" in said
