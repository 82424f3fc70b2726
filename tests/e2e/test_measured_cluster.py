"""Agents in namespaces with set delays, the shipped scheduler, a real API server: all at once.

Packets are real, tokens are reviewed by the API server, reports go over TLS. Pods must land only
where the true delay allows, and what is said of a link that slows down follows the rules.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.certificates import make_certificate
from tests.real.cluster import Cluster
from tests.real.namespaces import HOST, Network
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler
from tests.real.service_tokens import AGENT, add_account, add_agent_pod, token

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

NODES = tuple(f"edge-{k}" for k in range(1, 7))
RTT_MS = {"edge-2": 8.0, "edge-3": 18.0, "edge-4": 22.0, "edge-5": 40.0, "edge-6": 80.0}
"""True round trips from edge-1; all others are 30 ms."""

BUDGET = {"delay_edge-1": "25"}
WITHIN = {"edge-1", "edge-2", "edge-3", "edge-4"}
MAX_AGE_S = 1.0
ROOT = Path(__file__).parents[2]


@contextmanager
def measured(cluster: Cluster) -> Iterator[Network]:
    """Yield a network of six nodes with their true delays, and agent pods on each."""
    with Network(NODES) as network:
        for k, one in enumerate(NODES):
            for other in NODES[k + 1 :]:
                network.set_rtt(one, other, RTT_MS[other] if k == 0 else 30.0)
        cluster.add_nodes([node(name, cpu="2100m") for name in NODES])
        add_account(cluster, AGENT)
        yield network


def settings(cluster: Cluster, certificate: Path, key: Path) -> dict[str, Any]:
    """Return settings that make everything quick, for a test that waits."""
    agents = {
        "enabled": True,
        "port": 0,
        "tlsCertificatePath": str(certificate),
        "tlsKeyPath": str(key),
        "serviceAccount": f"{cluster.namespace}/{AGENT}",
        "reportSeconds": 3,  # out of reach after two and a half times that
        "probesPerSecond": 60,
    }
    verify = {"maxAgeSeconds": MAX_AGE_S, "timeoutSeconds": 30}
    # All room is counted on below, and none is to be kept for failures.
    return {"telemetry": {"agents": agents, "verify": verify}, "cover": {"mode": "off"}}


def start_agents(
    cluster: Cluster, network: Network, scheduler: Scheduler, tmp_path: Path
) -> list[subprocess.Popen[str]]:
    scheduler.program.wait_until(lambda: bool(scheduler.lines("agents.listening")), "it listens")
    port = scheduler.lines("agents.listening")[0]["port"]
    url = f"https://{network.address(HOST)}:{port}"
    started = []
    for name in NODES:
        made = add_agent_pod(cluster, f"agent-{name}", name, address=network.address(name))
        file = tmp_path / f"token-{name}"
        file.write_text(token(cluster, bound_to=made), encoding="utf-8")
        argv = [sys.executable, "-m", "telemetry.agent", "--node", name, "--scheduler", url]
        flags = ["--token-file", str(file), "--ca-file", str(tmp_path / "ingest.crt")]
        started.append(network.run(name, [*argv, *flags], has_rights=False, cwd=ROOT))
    return started


@contextmanager
def stopped(agents: Sequence[subprocess.Popen[str]]) -> Iterator[None]:
    """Hold all agents, for long enough that all they measured is too old to be bound on."""
    for agent in agents:
        agent.send_signal(signal.SIGSTOP)
    time.sleep(1.1 * MAX_AGE_S)
    try:
        yield
    finally:
        for agent in agents:
            agent.send_signal(signal.SIGCONT)


def held(scheduler: Scheduler) -> float:
    """Return how many delays were measured before a binding and held."""
    try:
        return scheduler.metric('isochrone_rtt_verifications_total{outcome="held"}')
    except KeyError:  # none yet
        return 0.0


def on(cluster: Cluster, prefix: str) -> dict[str, str]:
    return {name: at for name, at in cluster.bound().items() if name.startswith(prefix)}


def says(cluster: Cluster, name: str, words: str) -> bool:
    condition = cluster.condition(name)
    return condition is not None and words in condition["message"]


def test_pods_land_only_where_the_true_delay_allows_and_a_slow_link_changes_the_verdict(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    with measured(cluster) as network:
        certificate, key = make_certificate(tmp_path, "ingest", address=network.address(HOST))
        quick = settings(cluster, certificate, key)
        with Scheduler(kubeconfig, tmp_path, settings=quick) as scheduler:
            agents = start_agents(cluster, network, scheduler, tmp_path)

            # Nine pods for eight places within the budget; others stand empty beyond it.
            cluster.add_pods([pod(f"near-{k}", cpu="1", labels=BUDGET) for k in range(9)])
            cluster.wait_until(lambda: len(on(cluster, "near")) == 8, "eight are bound")
            placed = on(cluster, "near")
            assert set(placed.values()) == WITHIN
            [left] = [f"near-{k}" for k in range(9) if f"near-{k}" not in placed]
            cluster.wait_until(lambda: says(cluster, left, "exceeded delay to edge-1"), "it waits")
            assert says(cluster, left, "2 node(s) exceeded delay to edge-1 (25ms; nearest edge-5 4")
            for name, at in placed.items():
                told = cluster.pod(name)["metadata"]["annotations"]["isochrone.dev/rtt"]
                rtt_ms = float(told.removeprefix("edge-1=").removesuffix("ms"))
                true_ms = RTT_MS.get(at, 0.0)
                assert true_ms <= rtt_ms <= true_ms + 3.0, f"{name} on {at}: {told}"

            # A link slows down: two budgets are broken, said once, and nothing new goes there.
            network.set_rtt("edge-1", "edge-3", 60.0)
            slowed = sorted(name for name, at in placed.items() if at == "edge-3")
            for name in slowed:
                cluster.wait_until(
                    lambda name=name: bool(cluster.events(name, "DelayExceeded")),  # type: ignore[misc]
                    f"it is said that {name}'s budget is broken",
                )
            assert scheduler.metric('isochrone_budgets_broken{state="confirmed"}') == 2
            cluster.delete_pod(slowed[0])
            cluster.delete_pod(left)
            cluster.wait_until(lambda: slowed[0] not in cluster.bound(), "there is room")
            cluster.add_pods([pod("late", cpu="1", labels=BUDGET)])
            cluster.wait_until(lambda: says(cluster, "late", "3 node(s) exceeded"), "it waits")

            # It is quick again: the budget holds again, and the pod that waited goes there.
            network.set_rtt("edge-1", "edge-3", 18.0)
            cluster.wait_until(lambda: on(cluster, "late") == {"late": "edge-3"}, "late is bound")
            cluster.wait_until(
                lambda: bool(cluster.events(slowed[1], "DelayRestored")), "it is said"
            )
            assert len(cluster.events(slowed[1], "DelayExceeded")) == 1

            # Old measurements do not bind: the pod is held until its pair is measured anew.
            [gone, _] = sorted(name for name, at in placed.items() if at == "edge-2")
            cluster.delete_pod(gone)
            cluster.wait_until(lambda: gone not in cluster.bound(), "there is room")
            before, plans = held(scheduler), len(scheduler.lines("plan.made"))
            with stopped(agents):
                cluster.add_pods([pod("anew", cpu="1", labels=BUDGET)])
                scheduler.program.wait_until(
                    lambda: any(p["assigned"] for p in scheduler.lines("plan.made")[plans:]),
                    "a place is chosen for it",
                )
                assert not on(cluster, "anew")
            cluster.wait_until(lambda: on(cluster, "anew") == {"anew": "edge-2"}, "it is bound")
            assert held(scheduler) == before + 1
            assert scheduler.lines("plan.rejected") == []
