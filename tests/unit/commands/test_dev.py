"""Dev mode as people start it: a process of its own, ended by itself or by a signal."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SMALL = """\
apiVersion: isochrone.dev/v1
kind: Scenario
nodes: {source: metros, count: 30}
drift: 0s
timing: {podStart: 100ms}
manifests: [pods.yaml]
"""
NEAR = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: near}
spec:
  replicas: 2
  selector: {matchLabels: {app: near}}
  template:
    metadata: {labels: {app: near, delay_edge-1: "%s"}}
    spec:
      schedulerName: custom-scheduler
      containers: [{name: main, image: none}]
"""


def a_scenario(folder: Path, budget_ms: str) -> Path:
    (folder / "pods.yaml").write_text(NEAR % budget_ms, encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program, with the test's arguments
        [sys.executable, str(ROOT / "main.py"), "dev", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_once_ends_well_when_every_budget_holds(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, "200")
    process = started(tmp_path, "--once", "--port", "0", "--scenario", str(scenario))
    out, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (0, "")
    assert "all is well: 30 of 30 nodes ready, 2 pods placed" in out


def test_once_ends_badly_and_says_why_when_a_pod_that_should_be_placed_waits(
    tmp_path: Path,
) -> None:
    scenario = a_scenario(tmp_path, "fast")
    process = started(tmp_path, "--once", "--port", "0", "--scenario", str(scenario))
    out, _ = process.communicate(timeout=120)

    assert process.returncode == 1
    assert 'should be placed and waits: delay_edge-1: "fast" is not a delay' in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path, "--port", "0", "--scenario", str(a_scenario(tmp_path, "200")))
    assert process.stdout is not None
    for line in process.stdout:
        if "running on" in line:
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert out.endswith("stopped\n")


def running(process: subprocess.Popen[str]) -> str:
    """Read until a dev mode has its pods; return what it printed."""
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "running on" in line:
            break
    return "".join(printed)


def test_two_in_one_folder_have_each_their_own_kubeconfig_and_log(tmp_path: Path) -> None:
    scenario = str(a_scenario(tmp_path, "200"))
    folder = tmp_path / ".isochrone"
    folder.mkdir()
    (folder / "kubeconfig").write_text("of one that was killed")
    (folder / "kubeconfig.999999999").write_text("of another one")
    first = started(tmp_path, "--port", "0", "--scenario", scenario)
    with first:
        said = running(first)
        plain = (folder / "kubeconfig").read_text()
        second = started(tmp_path, "--port", "0", "--scenario", scenario)
        with second:
            said_by_second = running(second)
            own = folder / f"kubeconfig.{second.pid}"
            between = ((folder / "kubeconfig").read_text(), own.read_text())
            second.send_signal(signal.SIGTERM)
            second.communicate(timeout=60)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "kubectl --kubeconfig .isochrone/kubeconfig get pods" in said
    assert f"kubectl --kubeconfig .isochrone/kubeconfig.{second.pid} get pods" in said_by_second
    assert "another dev mode has this folder" in said_by_second
    assert between[0] == plain != between[1]
    assert sorted(path.name for path in folder.iterdir()) == [
        "dev.log",
        f"dev.log.{second.pid}",
        "kubeconfig",
        "lock",
    ]


def test_a_reader_who_has_seen_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, "200")
    process = started(tmp_path, "--once", "--port", "0", "--scenario", str(scenario))
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()

    assert (process.returncode, err) == (0, "")


def test_a_port_in_use_is_bad_input(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = started(tmp_path, "--port", port, "--scenario", str(a_scenario(tmp_path, "9")))
        _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert err.startswith(f"error: port {port} of 127.0.0.1: cannot be used")
    assert "Traceback" not in err


def test_settings_with_an_unknown_key_are_bad_input(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\nqueues: {}\n",
        encoding="utf-8",
    )
    process = started(tmp_path, "--config", str(config), "--port", "0")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "queues: is not a setting; did you mean queue?" in err
