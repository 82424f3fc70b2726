"""Exporters and a file as the sources of the shipped scheduler on a real control plane."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.canned_http import Canned, serving
from tests.real.cluster import Cluster
from tests.real.matrices import on_a_line, write_matrix
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

QUERY = "/api/v1/query"


def vector(rtt_s: Mapping[tuple[str, str], str]) -> Canned:
    """Return an instant vector as Prometheus writes it."""
    rows = [
        {"metric": {"source_node_name": i, "target_node_name": j}, "value": [1.0, value]}
        for (i, j), value in rtt_s.items()
    ]
    body = {"status": "success", "data": {"resultType": "vector", "result": rows}}
    return Canned(json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def announced(cluster: Cluster, reason: str) -> list[str]:
    """Return what events about the scheduler itself say."""
    path = "/apis/events.k8s.io/v1/namespaces/kube-system/events"
    found = cluster.api.items(path, fieldSelector="regarding.kind=Lease")
    return [event["note"] for event in found if event["reason"] == reason]


def test_pods_go_by_what_a_prometheus_knows_and_a_file_fills_its_gaps(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    nodes = ["edge-1", "edge-2", "edge-3", "edge-4"]
    cluster.add_nodes([node(name, cpu="1100m") for name in nodes])
    # The file says 5, 10 and 15 ms; the exporter knows better of two, and of one nothing (-1).
    matrix = write_matrix(tmp_path / "m.npz", nodes, on_a_line([0, 5, 10, 15]))
    known = {
        ("edge-1", "edge-2"): "0.0800",
        ("edge-1", "edge-3"): "0.0120",
        ("edge-1", "edge-4"): "-1",
    }
    answers = {QUERY: vector(known)}
    with serving(answers) as url:
        prometheus = {
            "url": url,
            "preset": "cilium",
            "pollSeconds": 0.2,
        }
        file = {"path": str(matrix), "rereadSeconds": 0.2}
        settings = {"telemetry": {"prometheus": [prometheus], "matrix": file}}
        with Scheduler(kubeconfig, tmp_path, settings=settings) as scheduler:
            cluster.wait_until(
                lambda: scheduler.metric('isochrone_rtt_pairs{state="prometheus"}') == 4,
                "its pairs are known",
            )
            budget = {"delay_edge-1": "20"}
            cluster.add_pods([pod(f"p-{k}", cpu="1", labels=budget) for k in range(4)])

            bound = cluster.wait_for_bound(3)
            assert sorted(bound.values()) == ["edge-1", "edge-3", "edge-4"]
            told = {
                at: cluster.pod(name)["metadata"]["annotations"]["isochrone.dev/rtt"]
                for name, at in bound.items()
            }
            assert told == {
                "edge-1": "edge-1=0ms",
                "edge-3": "edge-1=12ms",
                "edge-4": "edge-1=15ms",
            }

            # It breaks: what it said stays, it is told as an event, and again when it is back.
            answers[QUERY] = Canned(b"<html>", 503)
            cluster.wait_until(
                lambda: bool(announced(cluster, "TelemetrySourceFailed")), "its failure is told"
            )
            assert "503" in announced(cluster, "TelemetrySourceFailed")[0]
            assert url in scheduler.asked("/readyz?verbose").text
            answers[QUERY] = vector(known)
            cluster.wait_until(
                lambda: bool(announced(cluster, "TelemetrySourceRecovered")), "it is back"
            )
            assert len(announced(cluster, "TelemetrySourceFailed")) == 1
