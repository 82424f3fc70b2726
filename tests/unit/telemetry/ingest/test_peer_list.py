"""What an agent is told of its peers: all, what is new, or nothing."""

import json
from typing import Any

from telemetry.ingest.peer_list import PeerList


def told(peers: PeerList, version: int) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(peers.since(version))
    return found


def applied(held: dict[str, str], said: dict[str, Any] | None) -> dict[str, str]:
    """Return the list an agent then holds, by the words of the wire form."""
    if said is None:
        return held
    now = {} if said["whole"] else dict(held)
    now.update(dict(said["set"]))
    for name in said["gone"]:
        del now[name]
    return now


def many(**more: str) -> dict[str, str]:
    return {f"n{number}": f"10.0.0.{number}" for number in range(50)} | more


def test_an_agent_without_a_list_is_told_all() -> None:
    peers = PeerList()
    peers.hold({"b": "10.0.0.2", "a": "10.0.0.1"})

    assert told(peers, 0) == {
        "version": peers.version,
        "whole": True,
        "set": [["a", "10.0.0.1"], ["b", "10.0.0.2"]],
        "gone": [],
    }
    assert peers.version > 0


def test_an_agent_that_holds_the_newest_is_told_nothing() -> None:
    peers = PeerList()
    peers.hold({"a": "10.0.0.1"})

    assert told(peers, peers.version) is None


def test_an_older_list_is_brought_up_to_date_by_what_is_new() -> None:
    peers, held = PeerList(), many(old="10.1.0.1")
    peers.hold(held)
    first = peers.version
    peers.hold(many(old="10.1.0.1", new="10.1.0.2"))
    peers.hold(many(new="10.1.0.2") | {"n3": "10.9.9.9"})

    said = told(peers, first)

    assert said is not None
    assert (said["whole"], said["set"], said["gone"]) == (
        False,
        [["n3", "10.9.9.9"], ["new", "10.1.0.2"]],
        ["old"],
    )
    assert applied(held, said) == applied({}, told(peers, 0))


def test_from_every_version_the_agent_ends_with_the_same_list() -> None:
    peers = PeerList()
    held: dict[int, dict[str, str]] = {0: {}}
    for step in range(200):
        addresses = many(**{f"m{step % 7}": f"10.2.0.{step}"})
        del addresses[f"n{step % 50}"]
        peers.hold(addresses)
        held[peers.version] = addresses

    for version, mine in held.items():
        assert applied(mine, told(peers, version)) == peers_of(peers)


def peers_of(peers: PeerList) -> dict[str, str]:
    return applied({}, told(peers, 0))


def test_a_version_that_nobody_remembers_gets_the_whole_list() -> None:
    peers = PeerList()
    peers.hold(many())

    said = told(peers, 12345)

    assert said is not None
    assert said["whole"]


def test_replicas_give_the_same_list_the_same_version() -> None:
    one, other = PeerList(), PeerList()
    one.hold({"a": "10.0.0.1"})
    one.hold(many())
    other.hold(dict(reversed(many().items())))

    assert one.version == other.version


def test_a_list_that_is_again_what_it_was_has_its_old_version() -> None:
    peers = PeerList()
    peers.hold(many())
    first = peers.version
    peers.hold(many(new="10.1.0.2"))
    second = peers.version
    peers.hold(many())

    assert peers.version == first
    assert told(peers, first) is None
    said = told(peers, second)
    assert said is not None
    assert said["gone"] == ["new"]


def test_the_list_is_encoded_once_for_all_who_ask() -> None:
    peers = PeerList()
    peers.hold(many())
    first = peers.version
    peers.hold(many(new="10.1.0.2"))

    assert peers.since(0) is peers.since(0)
    assert peers.since(first) is peers.since(first)
