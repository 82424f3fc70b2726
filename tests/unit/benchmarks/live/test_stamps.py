"""What the watcher makes of the lines of a watch."""

import msgspec
import pytest

from benchmarks.live.stamps import Stamps, WatchBroken


def line(kind: str, name: str, version: int, node: str = "") -> bytes:
    pod = {"metadata": {"name": name, "resourceVersion": str(version)}, "spec": {"nodeName": node}}
    return msgspec.json.encode({"type": kind, "object": pod})


def test_a_pod_is_created_when_first_seen_and_bound_when_first_seen_with_a_node() -> None:
    stamps = Stamps("1")

    stamps.take(line("ADDED", "a", 2), 10.0)
    stamps.take(line("MODIFIED", "a", 3), 11.0)
    stamps.take(line("MODIFIED", "a", 4, "node-1"), 12.0)
    stamps.take(line("MODIFIED", "a", 5, "node-1"), 13.0)

    assert (stamps.created_s, stamps.bound_s) == ({"a": 10.0}, {"a": 12.0})
    assert stamps.version == "5"
    assert stamps.moved == []


def test_a_pod_on_two_nodes_is_told() -> None:
    stamps = Stamps("1")

    stamps.take(line("ADDED", "a", 2, "node-1"), 10.0)
    stamps.take(line("MODIFIED", "a", 3, "node-2"), 11.0)

    assert stamps.moved == ["a was bound to node-1 and to node-2"]


def test_a_pod_that_goes_is_told() -> None:
    stamps = Stamps("1")

    stamps.take(line("DELETED", "a", 2), 10.0)

    assert stamps.moved == ["a was deleted"]


def test_a_bookmark_is_no_pod() -> None:
    stamps = Stamps("1")

    stamps.take(line("BOOKMARK", "", 2), 10.0)

    assert stamps.created_s == {}


def test_an_error_voids_the_run() -> None:
    said = msgspec.json.encode({"type": "ERROR", "object": {"code": 410}})

    with pytest.raises(WatchBroken, match="410"):
        Stamps("1").take(said, 10.0)
