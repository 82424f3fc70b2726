"""The parts of a start-up, read from an API server's audit log."""

from datetime import UTC, datetime

import msgspec
import pytest

from benchmarks.live.served import Served, parts_of, read

BEGAN = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
BEGAN_S = BEGAN.timestamp()


def line(
    verb: str, resource: str, sub: str = "", *, agent: str = "Python/3.11 aiohttp/3", at_s: float
) -> bytes:
    received, done = (
        datetime.fromtimestamp(BEGAN_S + s, tz=UTC).isoformat() for s in (at_s, at_s + 0.25)
    )
    said = {
        "verb": verb,
        "userAgent": agent,
        "objectRef": {"resource": resource, "subresource": sub},
        "requestReceivedTimestamp": received,
        "stageTimestamp": done,
    }
    return msgspec.json.encode(said) + b"\n"


def served(*lines: bytes) -> list[Served]:
    return read(lines)


def test_lists_end_with_the_last_page_of_pods_before_the_binding() -> None:
    parts = parts_of(
        served(
            line("list", "nodes", at_s=1.0),
            line("list", "pods", at_s=2.0),
            line("list", "pods", at_s=3.0),
            line("create", "pods", "binding", at_s=4.0),
            line("list", "pods", at_s=5.0),
        ),
        BEGAN_S,
    )

    assert parts is not None
    assert parts.asked_s == pytest.approx(1.0)
    assert parts.listed_s == pytest.approx(3.25)
    assert parts.sent_s == pytest.approx(4.0)
    assert parts.bound_s == pytest.approx(4.25)


def test_other_clients_and_earlier_schedulers_are_left_out() -> None:
    parts = parts_of(
        served(
            line("list", "pods", at_s=-5.0),
            line("create", "pods", "binding", at_s=-4.0),
            line("list", "pods", at_s=0.5, agent="curl/8"),
            line("watch", "nodes", at_s=1.0, agent="kube-scheduler/v1.36.3"),
            line("create", "pods", "binding", at_s=2.0, agent="kube-scheduler/v1.36.3 scheduler"),
        ),
        BEGAN_S,
    )

    assert parts is not None
    assert parts.asked_s == pytest.approx(1.0)
    assert parts.listed_s is None
    assert parts.sent_s == pytest.approx(2.0)


def test_without_a_binding_there_are_no_parts() -> None:
    assert parts_of(served(line("list", "pods", at_s=1.0)), BEGAN_S) is None


def test_a_line_that_is_not_whole_yet_is_left_out() -> None:
    whole = line("list", "pods", at_s=1.0)

    assert len(read([whole, whole[:-20]])) == 1
