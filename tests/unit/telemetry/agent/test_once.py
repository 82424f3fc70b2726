"""The agent as a program, where nothing is installed but Python."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hand_loop import answering
from tests.real.program import wait_until
from tests.skipping_loop import skipping_loop

ROOT = Path(__file__).parents[4]
PROGRAM = [sys.executable, "-S", "-E", "-m", "telemetry.agent"]
"""-S: without what is installed beside."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out what the agent's image holds."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "telemetry").mkdir()
    shutil.copy(ROOT / "telemetry" / "__init__.py", folder / "telemetry")
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "telemetry" / "agent", folder / "telemetry" / "agent", ignore=caches)
    return folder


@pytest.fixture
def echo_port() -> Iterator[str]:
    """Listen like another agent; what comes is left to the kernel, which takes connections."""
    with skipping_loop() as loop, answering(loop) as responder:
        yield str(responder.port)


def _run(image: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *arguments],
        cwd=image,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_line_of_json_and_status_0_when_the_target_answers(image: Path, echo_port: str) -> None:
    target = ("--target", "127.0.0.1", "--port", echo_port)

    done = _run(image, "--once", *target, "--count", "4", "--method", "tcp")

    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    times = (told.pop("min_ms"), told.pop("median_ms"))
    assert told == {"target": "127.0.0.1", "method": "tcp", "sent": 4, "lost": 0, "loss": 0.0}
    assert 0 < times[0] <= times[1] < 1000


def test_status_1_and_no_times_when_it_does_not(image: Path, echo_port: str) -> None:
    target = ("--target", "127.0.0.1", "--port", echo_port)

    done = _run(image, "--once", *target, "--count", "2", "--method", "udp")

    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout) == {
        "target": "127.0.0.1",
        "method": "udp",
        "sent": 2,
        "lost": 2,
        "loss": 1.0,
        "min_ms": None,
        "median_ms": None,
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--target", "no such name"), "'no such name' has no address"),
        (("--target", "224.0.0.1"), "'224.0.0.1' is an address of many"),
        (("--target", "10.0.0.1", "--count", "many"), "--count 'many' is not a number"),
        ((), "give --target"),
    ],
)
def test_status_2_and_a_sentence_for_a_mistake(
    image: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _run(image, "--once", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert sentence in line


def test_ctrl_c_ends_it_quietly_with_what_it_has(image: Path, echo_port: str) -> None:
    arguments = ("--once", "--target", "127.0.0.1", "--port", echo_port, "--count", "10000")
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *arguments, "--method", "tcp"],
        cwd=image,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        wait_until(lambda: _has_a_socket(running.pid), "it measures")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)

    assert err == ""
    assert json.loads(out)["sent"] < 10_000


def test_a_daemon_says_what_it_does_and_ends_when_asked(image: Path) -> None:
    arguments = ("--node", "a", "--scheduler", "http://127.0.0.1:9", "--listen-port", "0")
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *arguments], cwd=image, stderr=subprocess.PIPE, text=True
    ) as running:
        said = []
        for line in running.stderr or ():
            said.append(line)
            if "reports to" in line:
                break
        running.send_signal(signal.SIGTERM)
        rest = running.communicate(timeout=60)[1]

    assert running.returncode == 0
    assert "node a measures by" in said[-1]
    assert all(line.startswith("isochrone-agent: ") for line in [*said, *rest.splitlines()])
    assert "Traceback" not in rest


def _has_a_socket(pid: int) -> bool:
    """Tell whether it has a socket: it is ready for Ctrl-C before it opens one."""
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any("socket:" in str(entry.readlink()) for entry in folder.iterdir())
    except OSError:
        return False
