"""The reader of Prometheus against a real one, which scrapes real exporters and recorded pages."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scheduler.service.exporter_settings import PrometheusSettings
from scheduler.service.exporters import prometheus_source
from telemetry.errors import (
    SourceEmpty,
    SourceMalformed,
    SourceRefused,
    SourceUnavailable,
)
from telemetry.ports import Directory
from telemetry.readings import Outcome, Readings, Timed
from telemetry.sources.presets import PRESETS, LabelRule, Preset
from telemetry.sources.prometheusserver import Account, Question, asked
from tests.canned_http import Canned, serving
from tests.needed import need
from tests.real.exporters import missing
from tests.real.prometheus import (
    PASSWORD,
    USER,
    Certificate,
    Prometheus,
    blackbox,
    certificate,
    eventually,
    smokeping,
)

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("prometheus")]

RECORDED = Path(__file__).parents[1] / "fixtures" / "goldpinger" / "metrics_of_node_a.json"
NEAR = {f"127.0.10.{k + 1}": f"node-{name}" for k, name in enumerate("abc")}
NOBODY = "255.255.255.255"
"""Sending there is refused by the system itself: no packet leaves the machine."""

NODE_OF = {
    **{f"192.0.2.1{k + 1}": f"node-{name}" for k, name in enumerate("abcd")},
    **{f"node-{name}": f"node-{name}" for name in "abcdxy"},
    **NEAR,
    NOBODY: "node-d",
}
ANY = Preset("", LabelRule("from"), LabelRule("to"))

PAIRS = """\
# TYPE rtt_seconds gauge
rtt_seconds{from="node-a",to="node-b"} 0.025
rtt_seconds{from="node-a",to="node-c"} NaN
rtt_seconds{from="node-a",to="node-d"} -1
rtt_seconds{from="node-b",to="node-a"} 0
rtt_seconds{from="node-b",to="node-c"} +Inf
rtt_seconds{from="node-b",to="node-d"} 3e9
"""
CILIUM = """\
cilium_node_connectivity_latency_seconds{address_type="primary",protocol="icmp",\
source_cluster="one",source_node_name="node-a",target_cluster="one",target_node_ip="192.0.2.12",\
target_node_name="node-b",target_node_type="remote_intra_cluster",type="node"} 0.0123
cilium_node_connectivity_latency_seconds{address_type="primary",protocol="icmp",\
source_cluster="one",source_node_name="node-a",target_cluster="one",target_node_ip="192.0.2.14",\
target_node_name="node-d",target_node_type="remote_intra_cluster",type="node"} -1
cilium_node_connectivity_latency_seconds{address_type="primary",protocol="icmp",\
source_cluster="one",source_node_name="node-a",target_cluster="two",target_node_ip="192.0.2.13",\
target_node_name="node-c",target_node_type="remote_inter_cluster",type="node"} 0.0001
cilium_node_connectivity_latency_seconds{address_type="primary",protocol="http",\
source_cluster="one",source_node_name="node-a",target_cluster="one",target_node_ip="192.0.2.12",\
target_node_name="node-b",target_node_type="remote_intra_cluster",type="endpoint"} 0.0456
"""
PING_EXPORTER = """\
ping_rtt_mean_seconds{ip="192.0.2.12",ip_version="4",target="b"} 0.0123
ping_rtt_mean_seconds{ip="192.0.2.14",ip_version="4",target="d"} 0.0004
ping_loss_ratio{ip="192.0.2.12",ip_version="4",target="b"} 0.1
ping_loss_ratio{ip="192.0.2.14",ip_version="4",target="d"} 1
"""
KUBENURSE = """\
# TYPE kubenurse_httpclient_request_duration_seconds histogram
kubenurse_httpclient_request_duration_seconds_sum{type="path_node-b"} %s
kubenurse_httpclient_request_duration_seconds_count{type="path_node-b"} %s
kubenurse_httpclient_request_duration_seconds_sum{type="me_service"} %s
kubenurse_httpclient_request_duration_seconds_count{type="me_service"} %s
"""


def page_of(name: str, take: int, instance: str = "node-a") -> bytes:
    """Return the recorded page of Goldpinger, of an instance of this name."""
    records = json.loads(RECORDED.read_text())["records"]
    body = next(str(r["body"]) for r in records if (r["file"], r["take"]) == (name, take))
    return body.replace(
        'goldpinger_instance="node-a"', f'goldpinger_instance="{instance}"'
    ).encode()


def job(name: str, port: int, path: str = "/metrics", **labels: str) -> dict[str, Any]:
    target = {"targets": [f"127.0.0.1:{port}"], "labels": labels}
    return {"job_name": name, "metrics_path": path, "static_configs": [target]}


def probed(module: str, port: int, targets: list[str]) -> dict[str, Any]:
    """Return the usual relabelling, with the source the operator adds."""
    return {
        "job_name": f"blackbox-{module}",
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "static_configs": [{"targets": targets, "labels": {"source_node": "node-x"}}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{port}"},
        ],
    }


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    need(missing())
    with ExitStack() as running:
        yield running


@pytest.fixture(scope="module")
def pages() -> dict[str, Canned]:
    """Give the pages that are scraped; a test may turn them."""
    pages = {
        "/pairs": PAIRS,
        "/stale": 'stale_seconds{from="node-a",to="node-b"} 0.025\n',
        "/cilium": CILIUM,
        "/ping": PING_EXPORTER,
        "/kubenurse": KUBENURSE % (0.01, 1, 0.9, 1),
    }
    return {
        **{path: Canned(text.encode()) for path, text in pages.items()},
        "/healthy": Canned(page_of("net_refresh3_healthy", 1)),
        "/refused": Canned(page_of("A_1_healthy", 2, "node-y")),
    }


@pytest.fixture(scope="module")
def prometheus(
    stack: ExitStack, pages: Mapping[str, Canned], tmp_path_factory: pytest.TempPathFactory
) -> Prometheus:
    home = tmp_path_factory.mktemp("prometheus")
    port = int(stack.enter_context(serving(pages)).rpartition(":")[2])
    probing = blackbox(stack, home)
    smoking = smokeping(stack, home, list(NEAR))
    jobs = [job(path[1:], port, path) for path in pages if path not in ("/ping", "/kubenurse")]
    jobs.append(job("ping", port, "/ping", instance="node-a"))
    jobs.append(job("kubenurse", port, "/kubenurse", instance="node-a:8080"))
    jobs.append(job("smokeping", smoking, instance="node-x:9374"))
    jobs.append(probed("icmp", probing, [*NEAR, NOBODY]))
    jobs.append(probed("tcp", probing, [f"127.0.0.1:{port}", "127.0.0.1:1"]))
    server = Prometheus(home, jobs)
    stack.callback(server.stop)
    return server


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def guarded(
    stack: ExitStack, signed: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Prometheus:
    server = Prometheus(tmp_path_factory.mktemp("guarded"), guarded=signed)
    stack.callback(server.stop)
    return server


def preset(prometheus: Prometheus, name: str, window_s: int = 4) -> Question:
    return Question(prometheus.url, PRESETS[name], window_s)


def query(prometheus: Prometheus, promql: str) -> Question:
    return Question(prometheus.url, replace(ANY, query=promql))


def told(readings: Readings) -> dict[tuple[str, str], tuple[Outcome, int]]:
    return {(p.measured_from, p.measured_to): (p.outcome, p.rtt_us) for p in readings.pairs}


def with_pairs(least: int) -> Callable[[object], Readings | None]:
    """Return a claim: readings of so many pairs."""

    def claim(answer: object) -> Readings | None:
        is_enough = isinstance(answer, Readings) and len(answer.pairs) >= least
        return answer if isinstance(answer, Readings) and is_enough else None

    return claim


def need_root() -> None:
    need("" if os.geteuid() == 0 else "ICMP with a raw socket needs root")


def test_a_real_blackbox_exporter_measures_and_who_does_not_answer_is_no_neighbour(
    prometheus: Prometheus,
) -> None:
    need_root()
    readings = eventually(
        preset(prometheus, "blackbox"), NODE_OF, with_pairs(3), "three nodes are measured"
    )

    assert set(told(readings)) == {("node-x", node) for node in NEAR.values()}
    assert all(outcome is Outcome.MEASURED for outcome, _ in told(readings).values())
    assert all(0 < rtt_us < 500_000 for _, rtt_us in told(readings).values())
    assert {pair.timed for pair in readings.pairs} == {Timed.ROUND_TRIP}


def test_a_failed_probe_that_nobody_filters_out_is_a_failure_and_not_0(
    prometheus: Prometheus,
) -> None:
    need_root()
    rule = PRESETS["blackbox"]
    unguarded = replace(rule, query='probe_icmp_duration_seconds{phase="rtt"}')

    readings = eventually(
        Question(prometheus.url, unguarded), NODE_OF, with_pairs(4), "four targets are probed"
    )

    assert told(readings)["node-x", "node-d"] == (Outcome.FAILED, -1)


async def test_a_query_of_one_s_own_with_its_mapping_is_polled(prometheus: Prometheus) -> None:
    """As the settings have it; a TCP connection is timed, its target told by a port."""
    served = "node-b"
    given = {
        "url": prometheus.url,
        "query": 'probe_duration_seconds{job="blackbox-tcp"} and on(instance) (probe_success == 1)',
        "fromLabel": "source_node",
        "toLabel": "instance",
        "toPattern": r"127\.0\.0\.(\d+):[0-9]{4,}",
        "kind": "http",
        "unit": "seconds",
        "pollSeconds": 0.1,
    }
    settings = msgspec.convert(given, PrometheusSettings)
    assert settings.fault() is None

    class Known:
        current = Directory(1, ("node-b", "node-x"), {"1": served, "node-x": "node-x"})

        async def changed(self) -> None:
            await asyncio.Event().wait()

    readings = Readings()
    async with asyncio.timeout(60):
        async for found in prometheus_source(settings, Known()).rounds():
            if isinstance(found, Readings):
                readings = found
                break

    ((pair, (outcome, rtt_us)),) = told(readings).items()
    assert pair == ("node-x", served)
    assert (outcome is Outcome.BELOW_RESOLUTION) or rtt_us >= 5_000


def test_a_real_smokeping_prober_s_means_are_read(prometheus: Prometheus) -> None:
    need_root()
    readings = eventually(
        preset(prometheus, "smokeping"), NODE_OF, with_pairs(3), "three nodes are measured"
    )

    assert {pair.measured_to for pair in readings.pairs} == set(NEAR.values())
    assert all(0 < rtt_us < 500_000 for _, rtt_us in told(readings).values())
    assert readings.age_s == 4


def test_recorded_pages_of_goldpinger_give_means_that_are_not_below_the_distance(
    prometheus: Prometheus, pages: dict[str, Canned]
) -> None:
    known_for(prometheus, "healthy")
    pages["/healthy"] = Canned(page_of("net_refresh3_healthy", 2))

    readings = eventually(
        preset(prometheus, "goldpinger"), NODE_OF, with_pairs(2), "means of node-a"
    )

    found = told(readings)
    for node, true_us in (("node-c", 12_000), ("node-d", 80_000)):
        outcome, rtt_us = found["node-a", node]
        assert outcome is Outcome.MEASURED
        assert true_us <= rtt_us <= 2 * true_us


def test_a_window_over_good_and_refused_pings_never_makes_a_dead_node_nearer(
    prometheus: Prometheus, pages: dict[str, Canned]
) -> None:
    """It was 80 ms away, and was stopped; the plain mean of both is no distance."""
    ours = preset(prometheus, "goldpinger", 10)
    pinged = "goldpinger_peers_response_time_s"
    of_y = '{call_type="ping",goldpinger_instance="node-y",host_ip="192.0.2.14"}'
    mean = f"rate({pinged}_sum{of_y}[{{window}}]) / rate({pinged}_count{of_y}[{{window}}])"
    plain = replace(ours, preset=replace(ours.preset, query=mean))
    known_for(prometheus, "refused", 10)
    pages["/refused"] = Canned(more_pings(good=3, refused=9))

    misled = eventually(plain, NODE_OF, measured("node-y", "node-d"), "the plain mean")
    found = eventually(ours, NODE_OF, measured("node-y", "node-d"), "the mean")

    assert misled < 50_000
    assert found >= 81_000


def more_pings(good: int, refused: int = 0) -> bytes:
    """Return the healthy page after more pings of node-d: good ones of 81 ms, refused of 0.5 ms."""
    out = []
    added = {"_sum": good * 0.081 + refused * 0.0005, "_count": float(good + refused)}
    for line in page_of("A_1_healthy", 2, "node-y").decode().splitlines():
        head, _, value = line.rpartition(" ")
        if 'call_type="ping"' in head and 'host_ip="192.0.2.14"' in head:
            kind = head.partition("{")[0].removeprefix("goldpinger_peers_response_time_s")
            le = float(head.partition('le="')[2].partition('"')[0] or "nan")
            more = added.get(kind, refused + (good if le >= 0.1 else 0))
            out.append(f"{head} {float(value) + more!r}")
        else:
            out.append(line)
    return "\n".join([*out, ""]).encode()


def measured(measured_from: str, measured_to: str) -> Callable[[object], int]:
    """Return a claim: this pair is measured; it gives its RTT, microseconds."""

    def claim(answer: object) -> int:
        pairs = told(answer) if isinstance(answer, Readings) else {}
        return max(0, pairs.get((measured_from, measured_to), (Outcome.FAILED, -1))[1])

    return claim


def known_for(prometheus: Prometheus, job_: str, seconds: int = 4) -> None:
    """Wait until a page has been scraped for so long."""
    asking = query(prometheus, f'up{{job="{job_}"}} offset {seconds}s == 1')
    eventually(asking, {}, rows_of_strangers, f"{job_} is known for {seconds} s")


def rows_of_strangers(answer: object) -> bool:
    """Claim that there are rows, be it of nobody who is known."""
    return isinstance(answer, SourceEmpty) and "none of them" in str(answer)


def test_what_is_no_distance_is_none(prometheus: Prometheus) -> None:
    readings = eventually(query(prometheus, "rtt_seconds"), NODE_OF, with_pairs(6), "all six pairs")

    assert told(readings) == {
        ("node-a", "node-b"): (Outcome.MEASURED, 25_000),
        ("node-a", "node-c"): (Outcome.NO_SAMPLES, -1),
        ("node-a", "node-d"): (Outcome.FAILED, -1),
        ("node-b", "node-a"): (Outcome.FAILED, -1),
        ("node-b", "node-c"): (Outcome.FAILED, -1),
        ("node-b", "node-d"): (Outcome.FAILED, -1),
    }


def test_cilium_s_unknown_and_other_clusters_nodes_are_left_out(prometheus: Prometheus) -> None:
    readings = eventually(preset(prometheus, "cilium"), NODE_OF, with_pairs(1), "a pair")

    assert told(readings) == {("node-a", "node-b"): (Outcome.MEASURED, 12_300)}


def test_a_target_that_lost_all_pings_is_left_out(prometheus: Prometheus) -> None:
    readings = eventually(preset(prometheus, "ping_exporter"), NODE_OF, with_pairs(1), "a pair")

    assert told(readings) == {("node-a", "node-b"): (Outcome.MEASURED, 12_300)}


def test_kubenurse_s_neighbours_are_read_exactly_and_its_services_are_not(
    prometheus: Prometheus, pages: dict[str, Canned]
) -> None:
    """`rate` makes less of the eight requests: it takes a young counter to begin at 0."""
    known_for(prometheus, "kubenurse")
    pages["/kubenurse"] = Canned((KUBENURSE % (0.65, 9, 9.0, 9)).encode())  # eight of 80 ms

    readings = eventually(preset(prometheus, "kubenurse"), NODE_OF, with_pairs(1), "a pair")

    ((pair, (outcome, rtt_us)),) = told(readings).items()
    assert (pair, outcome) == (("node-a", "node-b"), Outcome.MEASURED)
    assert rtt_us == pytest.approx(80_000, abs=1)
    assert readings.unmapped == ()


def test_over_a_restart_there_is_no_mean(prometheus: Prometheus, pages: dict[str, Canned]) -> None:
    ours = preset(prometheus, "kubenurse")
    plain = replace(ours, preset=replace(ours.preset, query=ours.preset.query.split(" unless")[0]))
    count = "kubenurse_httpclient_request_duration_seconds_count"
    known_for(prometheus, "kubenurse")
    for sum_s, number in ((0.1, 2), (9.9, 99)):
        pages["/kubenurse"] = Canned((KUBENURSE % (sum_s, number, 9.0, 9)).encode())
        asking = query(prometheus, f"{count} == {number}")
        eventually(asking, {}, rows_of_strangers, "the page is scraped")

    eventually(plain, NODE_OF, measured("node-a", "node-b"), "without a guard there is one")
    with pytest.raises(SourceEmpty, match="no rows"):
        asked(ours, NODE_OF)


def test_series_whose_target_is_gone_are_stale_and_give_nothing(
    prometheus: Prometheus, pages: dict[str, Canned]
) -> None:
    asking = query(prometheus, "stale_seconds")
    eventually(asking, NODE_OF, with_pairs(1), "a pair")
    del pages["/stale"]

    def is_empty(answer: object) -> bool:
        return isinstance(answer, SourceEmpty) and "no rows" in str(answer)

    eventually(asking, NODE_OF, is_empty, "the series goes stale")


@pytest.mark.parametrize(
    ("promql", "status", "said"),
    [
        ("rate(", 400, "parse error"),
        ("", 400, "parse error"),
        ("up[", 400, "parse error"),
        ("up * on() up", 422, "duplicate series"),
    ],
)
def test_a_query_that_a_real_server_refuses_says_why(
    prometheus: Prometheus, promql: str, status: int, said: str
) -> None:
    eventually(query(prometheus, "up"), {}, rows_of_strangers, "several targets are scraped")

    with pytest.raises(SourceRefused, match=said) as caught:
        asked(query(prometheus, promql), NODE_OF)

    assert caught.value.status == status


@pytest.mark.parametrize(
    ("promql", "kind"), [("1", "scalar"), ('"fast"', "string"), ("up[1m]", "matrix")]
)
def test_a_result_of_a_real_server_that_is_no_vector_is_named(
    prometheus: Prometheus, promql: str, kind: str
) -> None:
    with pytest.raises(SourceMalformed, match=f"of the kind {kind}"):
        asked(query(prometheus, promql), NODE_OF)


def test_a_metric_that_nobody_has_is_no_success(prometheus: Prometheus) -> None:
    with pytest.raises(SourceEmpty, match="a wrong name of a metric, or nobody measures"):
        asked(query(prometheus, "rtt_secnods"), NODE_OF)


def test_a_real_server_asks_for_a_password_and_is_believed_by_its_certificate(
    guarded: Prometheus, signed: Certificate, tmp_path: Path
) -> None:
    asking = Question(guarded.url, replace(ANY, query="vector(1)"))
    (tmp_path / "right").write_text(f"{PASSWORD}\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    ca, right, wrong = (str(path) for path in (signed.path, tmp_path / "right", tmp_path / "wrong"))

    for account in (Account(ca_path=ca), Account("", USER, wrong, ca), Account(wrong, ca_path=ca)):
        with pytest.raises(SourceRefused) as caught:
            asked(replace(asking, account=account), {})
        assert caught.value.status == 401
    with pytest.raises(SourceUnavailable, match="certificate"):
        asked(replace(asking, account=Account("", USER, right)), {})
    with pytest.raises(SourceEmpty, match="1 rows"):  # it answers: a row without nodes
        asked(replace(asking, account=Account("", USER, right, ca)), {})
