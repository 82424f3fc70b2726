"""Agents' reports under tokens of a real API server: whose they are is its word alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scheduler.kube.client import connected
from scheduler.kube.token_review import NODE_NAME, TokenReviewer
from telemetry.agent import wire
from telemetry.ingest.ingest import IngestTerms
from tests.real import service_tokens
from tests.real.agents import INSTANCE, Answer, Caller, Scene, body, calling, record, scene
from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import node
from tests.real.service_tokens import AGENT, AUDIENCE, add_account, add_agent_pod, token

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

NODES = ("edge-1", "edge-2", "edge-3")


@pytest.fixture
def edge(cluster: Cluster) -> Cluster:
    """Give three nodes and the agents' account."""
    cluster.add_nodes([node(name) for name in NODES])
    add_account(cluster, AGENT)
    return cluster


@pytest.fixture
def agent(edge: Cluster) -> Object:
    """Give the agent's pod on edge-1."""
    return add_agent_pod(edge, "agent-1", "edge-1", address="10.0.0.1")


@asynccontextmanager
async def taking(cluster: Cluster, kubeconfig: Path) -> AsyncIterator[tuple[Scene, Caller]]:
    """Take reports, tokens being reviewed by the API server under the scheduler's own rights."""
    account = f"system:serviceaccount:{cluster.namespace}:{AGENT}"
    terms = IngestTerms(account, instance=INSTANCE)
    async with connected(kubeconfig) as client:
        made = scene(NODES, terms=terms, verifier=TokenReviewer(client, AUDIENCE))
        async with calling(made.ingest) as caller:
            yield made, caller


def row(of: str = "edge-1") -> bytes:
    others = [name for name in NODES if name != of]
    return body(of, [record(name, 1000 * (at + 1)) for at, name in enumerate(others)])


def changes_nothing(made: Scene, answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.reason) == (status, reason), answer.said
    assert made.refused == {reason: 1}
    assert (made.sink.rows, made.taken, made.ingest.agents()) == ([], {}, [])


def test_the_api_server_says_on_which_node_the_pod_of_a_token_runs(
    edge: Cluster, agent: Object
) -> None:
    spec = {"token": token(edge, bound_to=agent), "audiences": [AUDIENCE]}

    found = edge.api.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})

    user = found["status"]["user"]
    assert user["username"] == f"system:serviceaccount:{edge.namespace}:{AGENT}"
    assert user["extra"][NODE_NAME] == ["edge-1"]
    assert found["status"]["audiences"] == [AUDIENCE]


async def test_a_report_under_the_token_of_an_agents_pod_is_taken(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), token(edge, bound_to=agent))

    assert answer.status == 200, answer.said
    assert made.taken == {"edge-1": 2}
    assert made.sink.told() == {
        ("edge-1", wire.node_key("edge-2")): 1000,
        ("edge-1", wire.node_key("edge-3")): 2000,
    }
    assert not made.refused


async def test_the_api_server_is_asked_once_for_many_reports(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    made_token = token(edge, bound_to=agent)

    async with taking(edge, kubeconfig) as (made, caller):
        assert (await caller.send(row(), made_token)).status == 200
        before = reviews(edge)
        answers = [await caller.send(row(), made_token) for _ in range(5)]

    assert [answer.status for answer in answers] == [200] * 5
    assert len(made.sink.rows) == 6
    assert reviews(edge) == before


def reviews(cluster: Cluster) -> float:
    """Return how many TokenReviews the API server has answered since its start."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in cluster.api.text("/metrics").splitlines()
        if line.startswith("apiserver_request_total{") and 'resource="tokenreviews"' in line
    )


async def test_an_agent_does_not_speak_for_another_node(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row("edge-2"), token(edge, bound_to=agent))

    changes_nothing(made, answer, 403, "node")
    assert "edge-2, and the token of a pod on edge-1" in answer.said["error"]


async def test_a_token_for_another_audience_is_refused(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), token(edge, bound_to=agent, audience="vault"))

    changes_nothing(made, answer, 401, "token")


async def test_a_token_for_the_api_server_itself_is_refused(
    edge: Cluster, kubeconfig: Path
) -> None:
    own = edge.control_plane.service_account_token(edge.namespace, AGENT)

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), own)

    changes_nothing(made, answer, 401, "token")


async def test_another_account_of_the_same_node_is_refused(edge: Cluster, kubeconfig: Path) -> None:
    add_account(edge, "shop")
    other = add_agent_pod(edge, "shop-1", "edge-1", account="shop")

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), token(edge, "shop", bound_to=other))

    changes_nothing(made, answer, 403, "node")
    assert f"system:serviceaccount:{edge.namespace}:shop is not" in answer.said["error"]


async def test_a_token_of_no_pod_is_refused(edge: Cluster, kubeconfig: Path) -> None:
    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), token(edge))

    changes_nothing(made, answer, 403, "node")
    assert "bound to no node" in answer.said["error"]


async def test_the_token_of_a_deleted_pod_is_refused(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    old = token(edge, bound_to=agent)
    edge.delete_pod("agent-1")

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), old)

    changes_nothing(made, answer, 401, "token")


async def test_the_token_of_a_pod_that_was_made_anew_under_its_name_is_refused(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    old = token(edge, bound_to=agent)
    edge.delete_pod("agent-1")
    add_agent_pod(edge, "agent-1", "edge-1")

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), old)

    changes_nothing(made, answer, 401, "token")


def signed_anew(cluster: Cluster, made: str, **changes: object) -> str:
    key = cluster.control_plane.place / "etcd" / "fixtures" / "peer" / "key.pem"
    return service_tokens.signed_anew(made, key, changes)


async def test_an_expired_token_is_refused(edge: Cluster, agent: Object, kubeconfig: Path) -> None:
    good = token(edge, bound_to=agent)
    issued_s = service_tokens.claims(good)["iat"]
    # The shortest life that can be asked for is ten minutes; the server's own key makes it shorter.
    old = {"iat": issued_s - 900, "nbf": issued_s - 900, "exp": issued_s - 300}

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), signed_anew(edge, good, **old))
        changes_nothing(made, answer, 401, "token")
        assert "expired" in answer.said["error"]

        as_it_was = await caller.send(row(), signed_anew(edge, good))

    assert as_it_was.status == 200, as_it_was.said


async def test_a_token_that_was_changed_is_refused(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    header, said, signature = token(edge, bound_to=agent).split(".")
    _, other, _ = signed_anew(edge, f"{header}.{said}.{signature}", sub="somebody").split(".")

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), f"{header}.{other}.{signature}")

    changes_nothing(made, answer, 401, "token")


@pytest.mark.parametrize("sent", [None, "", "garbage", "a.b.c", "e30.e30.e30", "x" * 6000])
async def test_what_is_no_token_is_refused(
    edge: Cluster, kubeconfig: Path, sent: str | None
) -> None:
    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), sent)

    changes_nothing(made, answer, 401, "token")


async def test_a_node_that_was_deleted_is_not_heard_though_its_token_is_still_vouched_for(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    made_token = token(edge, bound_to=agent)

    async with taking(edge, kubeconfig) as (made, caller):
        assert (await caller.send(row(), made_token)).status == 200
        made.directory.current = scene(NODES[1:]).directory.current
        answer = await caller.send(row(), made_token)

    assert (answer.status, answer.reason) == (403, "node")
    assert len(made.sink.rows) == 1


async def test_while_the_api_server_is_away_a_new_token_waits_and_a_known_one_does_not(
    edge: Cluster, agent: Object, kubeconfig: Path
) -> None:
    known = token(edge, bound_to=agent)
    other = add_agent_pod(edge, "agent-2", "edge-2")
    new = token(edge, bound_to=other)

    async with taking(edge, kubeconfig) as (made, caller):
        assert (await caller.send(row(), known)).status == 200
        edge.control_plane.kill_api_server()
        refused = await caller.send(row("edge-2"), new)
        taken = await caller.send(row(), known)
        await asyncio.to_thread(edge.control_plane.start_api_server)
        later = await caller.send(row("edge-2"), new)

    assert (refused.status, refused.reason) == (503, "busy")
    assert int(refused.headers["Retry-After"]) > 0
    assert (taken.status, later.status) == (200, 200)
    assert made.refused == {"busy": 1}


async def test_without_the_right_to_ask_nobody_is_let_in_and_the_reason_is_said(
    edge: Cluster, agent: Object
) -> None:
    plane = edge.control_plane
    powerless = plane.service_account_token("kube-system", "default")
    kubeconfig = plane.kubeconfig("powerless", token=powerless)

    async with taking(edge, kubeconfig) as (made, caller):
        answer = await caller.send(row(), token(edge, bound_to=agent))

    changes_nothing(made, answer, 503, "busy")
    assert "rbac.yaml" in str(made.failed)
    assert plane.url not in answer.said["error"]
