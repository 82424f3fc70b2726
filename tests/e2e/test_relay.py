"""The relay of the tests has the faults that the tests of the scheduler count on."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.real.api import Api, Refused
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.relay import Relay

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


@pytest.fixture
def account(cluster: Cluster, relay: Relay) -> Iterator[Api]:
    """Give the administrator's way through the relay, and a pod that may be bound to a node."""
    cluster.add_nodes([node("near")])
    cluster.add_pods([pod("game")])
    through = Api(relay.url, cluster.control_plane.token, cluster.control_plane.authority)
    yield through
    through.close()


@contextmanager
def watch(cluster: Cluster, relay: Relay) -> Iterator[Iterator[bytes]]:
    """Watch the nodes through the relay; yield the lines."""
    with requests.get(
        f"{relay.url}/api/v1/nodes?watch=1",
        headers={"Authorization": f"Bearer {cluster.control_plane.token}"},
        verify=str(cluster.control_plane.authority),
        stream=True,
        timeout=60,
    ) as answer:
        yield answer.iter_lines()


def bind(account: Api, cluster: Cluster) -> None:
    account.create(
        f"{cluster.path}/pods/game/binding",
        {"metadata": {"name": "game"}, "target": {"name": "near"}},
    )


def test_without_faults_it_hands_on_requests_refusals_and_watches(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    bind(account, cluster)
    with pytest.raises(Refused) as refusal:
        bind(account, cluster)
    with watch(cluster, relay) as lines:
        first = json.loads(next(lines))

    assert cluster.bound() == {"game": "near"}
    assert refusal.value.status == 409
    assert first["object"]["metadata"]["name"] == "near"


def test_a_watch_that_is_ended_ends_after_a_whole_event_and_says_nothing(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    assert account.is_there("/api/v1/nodes/near")
    with watch(cluster, relay) as lines:
        seen = [json.loads(next(lines))]

        relay.end_watches()

        seen += map(json.loads, lines)
    assert [event["type"] for event in seen] == ["ADDED"]
    cluster.wait_until(lambda: relay.watches == 0, "no watch is left")


def test_a_watch_that_is_cut_does_not_end_properly(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    assert account.is_there("/api/v1/nodes/near")
    with watch(cluster, relay) as lines:
        next(lines)

        relay.cut()

        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            next(lines)


def test_a_watch_of_a_killed_api_server_does_not_end_properly(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    assert account.is_there("/api/v1/nodes/near")
    with watch(cluster, relay) as lines:
        next(lines)

        cluster.control_plane.kill_api_server()

        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            next(lines)


def test_a_binding_whose_answer_is_lost_was_carried_out(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    relay.lose_answers(1)

    with pytest.raises(requests.ConnectionError):
        bind(account, cluster)

    assert cluster.bound() == {"game": "near"}
    assert relay.lost == relay.bindings == [f"{cluster.path}/pods/game/binding"]


def test_a_binding_that_is_refused_was_not_carried_out(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    relay.refuse_bindings(1, status=500)

    with pytest.raises(Refused) as refusal:
        bind(account, cluster)

    assert refusal.value.status == 500
    assert cluster.bound() == {}
    bind(account, cluster)
    assert cluster.bound() == {"game": "near"}


def test_a_binding_that_is_held_is_carried_out_when_it_is_released(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    relay.hold_bindings()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(bind, account, cluster)
        relay.wait_for_bindings(1)
        meanwhile = cluster.bound()

        relay.release_bindings()

        sent.result(60)
    assert meanwhile == {}
    assert cluster.bound() == {"game": "near"}


def test_a_request_that_is_delayed_has_no_answer_until_then(
    cluster: Cluster, relay: Relay, account: Api
) -> None:
    relay.delay(3600)
    with pytest.raises(requests.ReadTimeout):
        requests.get(relay.url, verify=str(cluster.control_plane.authority), timeout=0.5)

    relay.delay(0)

    assert account.is_there("/api/v1/nodes/near")


def test_nobody_is_there_while_connections_are_refused(relay: Relay, account: Api) -> None:
    relay.refuse_connections()
    with pytest.raises(requests.ConnectionError):
        account.get("/api/v1/nodes")

    relay.accept_connections()

    assert account.is_there("/api/v1/nodes/near")
