"""The node agent: memory, CPU time, how true its times are, and how soon a star is measured.

Needs root and network namespaces; says so and ends where it has none.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.agent_stage import NODE, PEERS, PROBES, Duty, RunningAgent, image, running_agent
from benchmarks.rows import Report, Row
from tests.real.measuring import Measuring
from tests.real.namespaces import Network, missing

METHODS = {"icmp": 1, "udp": 2, "tcp": 3}
P50_MS, P99_MS = 0.2, 0.5
RSS_MIB, RSS_TLS_MIB = 14.0, 20.0
STAR_S = 1.5
CPU_SHARE = {10.0: 0.3, 1000.0: 8.0}
GAP_S = 0.02


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Shorter, ICMP alone.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    lacking = missing()
    if lacking:
        print(f"bench_agent: left out: {lacking}")
        return
    report = Report("The node agent", "bench_agent", quick)
    methods = ("icmp",) if quick else tuple(METHODS)
    exact = {f"{method} at {ms} ms": (method, ms) for ms in (10, 25) for method in methods}
    daemons = {duty.text: duty for duty in (Duty(10.0), Duty(10.0, is_tls=True), Duty(1000.0))}
    with (
        Network([NODE, "far", "crowd"]) as network,
        image() as folder,
        report.steps([*exact, *daemons]) as steps,
    ):
        for step in steps:
            if step in exact:
                report.add(*error_rows(network, *exact[step], 200 if quick else 1000))
            else:
                seconds = 10.0 if quick else 60.0
                report.add(*asyncio.run(daemon_rows(network, folder, daemons[step], seconds)))
    report.close()


def error_rows(network: Network, method: str, rtt_ms: float, count: int) -> list[Row]:
    """Return how far single packets' times are above the set ones, the relay's lateness beside."""
    network.set_rtt(NODE, "far", rtt_ms)
    network.records(NODE, "far")
    network.records("far", NODE)
    with Measuring(network, "far"):
        command = [sys.executable, "-c", PROBES, network.address("far")]
        process = network.run(
            NODE,
            [*command, str(METHODS[method]), str(count)],
            has_rights=False,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        rtts_us = json.loads(process.communicate(timeout=600)[0])
    errors_ms = np.array(rtts_us) / 1e3 - rtt_ms
    there, back = network.records(NODE, "far"), network.records("far", NODE)
    # TCP sends more packets one way than the other: then twice the middle one has to do.
    late_ms = np.array([took - asked for asked, took in (*there, *back)]) / 1e3
    both_ms = (
        late_ms[: len(there)] + late_ms[len(there) :]
        if len(there) == len(back)
        else np.array([2 * statistics.median(late_ms)])
    )
    rows = []
    for share, budget_ms in ((50, P50_MS), (99, P99_MS)):
        relay_ms = float(np.percentile(both_ms, share))
        measured_ms = float(np.percentile(errors_ms, share))
        rows.append(
            Row(
                f"{method}, {rtt_ms:g} ms: error p{share}",
                measured_ms,
                "ms",
                relay_ms,
                "what the relay added itself, both ways",
                budget_ms,
                note=f"{len(rtts_us)} of {count} answered, least {errors_ms.min():.3f} ms",
            )
        )
    return rows


async def daemon_rows(
    network: Network,
    folder: Path,
    duty: Duty,
    seconds: float,
) -> list[Row]:
    """Return memory and CPU time of a daemon that measures 489 peers and reports, and its stars."""
    network.set_rtt(NODE, "crowd", 25.0)
    async with running_agent(network, folder, duty) as agent:
        stars_s = [await _star_s(agent) for _ in range(5)]
        share, sent = await _cpu_share(agent, seconds)
        memory_mib, peak_mib = agent.memory_mib("VmRSS"), agent.memory_mib("VmHWM")
    bare_mib = _bare_python_mib(network, folder)
    rows = [
        Row(
            f"{duty.text}: RSS",
            memory_mib,
            "MiB",
            bare_mib,
            "a Python that does nothing",
            RSS_TLS_MIB if duty.is_tls else RSS_MIB,
            note=f"{memory_mib * 1.048576:.1f} MB; peak {peak_mib:.3g} MiB",
        ),
        Row(
            f"{duty.text}: CPU",
            share,
            "% of a core",
            budget=CPU_SHARE[duty.pps],
            note=f"{sent:.0f} sent/s",
        ),
    ]
    return [*rows, _star_row(stars_s)] if duty == Duty(10.0) else rows


def _star_row(stars_s: Sequence[float]) -> Row:
    return Row(
        f"a star of {PEERS} peers, ordered, measured and reported",
        statistics.median(stars_s),
        "s",
        PEERS * 3 / 1000,
        "its packets by the pace of 1,000/s",
        STAR_S,
        note=f"25 ms away; slowest of {len(stars_s)} {max(stars_s):.3g} s",
    )


async def _star_s(agent: RunningAgent) -> float:
    began_s = time.perf_counter()
    if not await agent.scheduler.desk.probe(NODE, None, 30.0):
        raise RuntimeError("a star was not measured within 30 s")
    return time.perf_counter() - began_s


async def _cpu_share(agent: RunningAgent, seconds: float) -> tuple[float, float]:
    """Return percent of a core, and packets a second that were told of meanwhile."""
    await asyncio.sleep(2.0)  # the star's last report
    cpu_s, probes, began_s = agent.cpu_s(), agent.probes(), time.perf_counter()
    await asyncio.sleep(seconds)
    took_s = time.perf_counter() - began_s
    return 100 * (agent.cpu_s() - cpu_s) / took_s, (agent.probes() - probes) / took_s


def _bare_python_mib(network: Network, folder: Path) -> float:
    command = [sys.executable, "-c", "print(open('/proc/self/statm').read().split()[1])"]
    process = network.run(NODE, command, stdout=subprocess.PIPE, cwd=folder)
    return int(process.communicate(timeout=60)[0]) * 4096 / (1 << 20)


if __name__ == "__main__":
    typer.run(main)
