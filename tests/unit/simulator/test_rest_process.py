"""The simulator as a process of its own: how it starts, is heard, and ends."""

import asyncio
import json
import signal
import sys
from contextlib import aclosing, suppress
from pathlib import Path

import numpy as np
import pytest

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.domain.ports import RttSource
from simulator.metros import make_metros
from simulator.rest.client import remote_world
from simulator.rest.launch import started
from simulator.rest.rttwire import from_bytes, to_bytes
from simulator.world import Options
from telemetry.model import MetroRtt, RttMatrix, RttTable
from tests.rest_door import PATIENCE_S, opened

ROOT = Path(__file__).resolve().parents[3]


def scenario(tmp_path: Path, text: str = "settlesAfter: 7s\n") -> Options:
    path = tmp_path / "s.yaml"
    path.write_text(f"nodes: {{source: metros, count: 5}}\n{text}")
    return Options(scenario=path)


async def test_it_says_where_it_listens_and_writes_a_kubeconfig(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "deep" / "kubeconfig"
    async with (
        started(scenario(tmp_path), kubeconfig=kubeconfig) as simulator,
        remote_world(simulator.server) as world,
    ):
        facts = await world.facts()
        written = json.loads(kubeconfig.read_text())
    assert (facts.nodes, simulator.settles_after_s) == (5, 7.0)
    assert written["clusters"][0]["cluster"]["server"] == simulator.server
    assert written["contexts"][0]["context"]["namespace"] == "default"
    assert [file.name for file in kubeconfig.parent.iterdir()] == ["kubeconfig"]


async def test_it_ends_when_who_started_it_lets_go(tmp_path: Path) -> None:
    async with started(scenario(tmp_path)) as simulator, remote_world(simulator.server) as world:
        await world.facts()
        following = asyncio.create_task(world.follow())  # an open request does not hold it
        assert simulator.process.stdin is not None
        simulator.process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            status = await simulator.process.wait()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        with pytest.raises(ClusterUnavailable):
            await world.facts()
    assert status == 0


async def test_it_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    scenario(tmp_path)
    parent = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulator', "
        f"'--scenario={tmp_path / 's.yaml'}'], stdin=subprocess.PIPE)\n"
        "child.wait()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert b"server" in await process.stdout.readline()
        process.kill()
        await process.wait()
        # The child has the parent's standard output too: this ends when both have.
        assert await process.stdout.read() == b""


async def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    async with started(scenario(tmp_path)) as simulator:
        simulator.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await simulator.process.wait() == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("seed: -1\n", "seed"),
        ("manifests: [nowhere.yaml]\n", "nowhere.yaml"),
        ("manifests: [bad.yaml]\n", "is refused"),
    ],
)
async def test_bad_input_is_told_as_where_what_and_fix(
    tmp_path: Path, text: str, what: str
) -> None:
    (tmp_path / "bad.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: X_}}")
    with pytest.raises(InputError, match=what):
        async with started(scenario(tmp_path, text)):
            raise AssertionError("it started")


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    async with started(scenario(tmp_path)) as first:
        port = int(first.server.rpartition(":")[2])
        with pytest.raises(InputError, match=f"port {port}"):
            async with started(scenario(tmp_path), port=port):
                raise AssertionError("it started")


async def test_a_kubeconfig_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        async with started(scenario(tmp_path), kubeconfig=tmp_path / "file" / "kubeconfig"):
            raise AssertionError("it started")


async def two_tables(source: RttSource) -> tuple[RttTable, RttTable]:
    async with asyncio.timeout(PATIENCE_S), aclosing(source.tables()) as tables:  # type: ignore[type-var] # a generator
        return await anext(tables), await anext(tables)


async def test_rtts_are_told_again_when_they_drift(tmp_path: Path) -> None:
    async with opened(tmp_path, "drift: 60s\n") as door, remote_world(door.server) as world:
        first, second = await two_tables(world)
    assert first.nodes == second.nodes == door.running.rtt.nodes
    assert first.from_node(0)[0] == 0
    rows = range(len(first.nodes))
    assert any(not np.array_equal(first.from_node(k), second.from_node(k)) for k in rows)


async def test_what_happens_is_heard(tmp_path: Path) -> None:
    timeline = "timeline: [{at: 20s, cordon: edge-1}]\n"
    async with opened(tmp_path, timeline) as door, remote_world(door.server) as world:
        following = asyncio.create_task(world.follow())
        async with asyncio.timeout(PATIENCE_S):
            await world.happenings.said(1)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        texts = [line.text for line in world.happenings]
    assert texts[:2] == ["0 manifests submitted", "node edge-1 cordoned"]


def test_a_matrix_comes_back_as_it_was_sent() -> None:
    values = np.array([[0, 5, -1], [7, 0, 9], [3, 2, 0]], dtype=np.int32)
    sent = RttMatrix(("a", "b", "c"), values, "measured")
    got = from_bytes(to_bytes(sent))
    assert isinstance(got, RttMatrix)
    assert (got.nodes, got.source) == (sent.nodes, sent.source)
    assert np.array_equal(got.rtt_us, sent.rtt_us)


def test_metros_come_back_in_little_more_than_their_names() -> None:
    n = 12_500
    sent = make_metros(n, 1).table(tuple(f"edge-{k}" for k in range(n)), 3)
    sent = sent.with_pairs({(1, 2): 77, (2, 1): 78})
    raw = to_bytes(sent)
    got = from_bytes(raw)
    assert isinstance(got, MetroRtt)
    assert got.overrides == sent.overrides
    assert all(np.array_equal(got.from_node(k), sent.from_node(k)) for k in (0, 1, 2, 9_999))
    assert len(raw) < 2 * 1024 * 1024


@pytest.mark.parametrize("raw", [b"", b"xx", b"\x81\xa4type\xa6matrix"])
def test_what_is_no_table_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no RTT table"):
        from_bytes(raw)
