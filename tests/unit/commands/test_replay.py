"""`plan --record` and `replay`: a decision made again, byte for byte."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from commands.app import app
from scheduler.files.recordings import read_recording, write_recording
from scheduler.planning.plan import plan
from tests.plan_command import GOOD, deployment, run

pytestmark = pytest.mark.usefixtures("unhurried")

MORE = f"{GOOD}---\n{deployment('far', labels='{delay_moon: 5}')}---\n{deployment('free')}"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no clock cut a search short: this process may have run for minutes."""
    monkeypatch.setattr("commands.app._STARTED_S", float("inf"))


def recorded(folder: Path, *arguments: str) -> Path:
    at = folder / "decision.rec"
    ran = run(folder, {"pods.yaml": MORE}, "--record", str(at), *arguments)
    assert ran.exit_code == 3, ran.stderr
    return at


def replay(at: Path) -> Result:
    result = CliRunner().invoke(app, ["replay", str(at)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.parametrize("protect", ["off", "preferred"])
def test_a_decision_made_again_is_the_same_bytes(tmp_path: Path, protect: str) -> None:
    ran = replay(recorded(tmp_path, "--protect", protect))

    assert ran.exit_code == 0, ran.output
    assert ran.stdout == "the plans agree, byte for byte: 3 pending pods on 3 nodes\n"


def test_a_recording_holds_the_plan_that_was_written(tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    at = recorded(tmp_path, "--output", str(out))

    assert read_recording(at).plan == out.read_bytes()


def test_the_same_decision_is_the_same_recording(tmp_path: Path) -> None:
    first = recorded(tmp_path).read_bytes()

    assert recorded(tmp_path).read_bytes() == first


def test_a_plan_that_differs_is_told_pod_by_pod(tmp_path: Path) -> None:
    at = recorded(tmp_path)
    recording = read_recording(at)
    other = json.loads(recording.plan)
    other["placement"]["good"] = "cloud-1"
    changed = recording.__class__(
        recording.snapshot, recording.placement, recording.cover, json.dumps(other).encode()
    )
    write_recording(changed, at)

    ran = replay(at)

    assert ran.exit_code == 1
    assert ran.stdout.splitlines() == [
        "the plans differ: 3 pending pods on 3 nodes",
        "  placement: good: cloud-1 then, edge-1 now",
    ]


def test_what_is_read_decides_as_what_was_written(tmp_path: Path) -> None:
    at = recorded(tmp_path)
    first = read_recording(at)
    write_recording(first, at)
    again = read_recording(at)

    assert plan(again.snapshot, again.placement) == plan(first.snapshot, first.placement)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    for name, content in {"a": b"-", "b": b"kind: Pod\n", "c": b"\x80\x04K\x01."}.items():
        at = tmp_path / name
        at.write_bytes(content)
        ran = replay(at)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert "is no recording; give a file that plan --record wrote" in ran.stderr


def test_another_version_is_named(tmp_path: Path) -> None:
    at = recorded(tmp_path)
    at.write_bytes(at.read_bytes().replace(b"isochrone-recording 1", b"isochrone-recording 9"))

    ran = replay(at)

    assert ran.exit_code == 2
    assert "is a recording of version 9" in ran.stderr


def test_no_damage_goes_unnoticed(tmp_path: Path) -> None:
    at = recorded(tmp_path)
    whole = at.read_bytes()
    for k in range(0, len(whole), 23):
        at.write_bytes(whole[:k] + bytes([whole[k] ^ 0x10]) + whole[k + 1 :])
        ran = replay(at)
        assert ran.exit_code == 2, k
        assert ran.stderr.startswith(f"error: {at}")
    for k in (0, 10, 30, len(whole) // 2, len(whole) - 1):
        at.write_bytes(whole[:k])
        assert replay(at).exit_code == 2, k


def test_a_recording_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "--record", str(tmp_path / "none" / "d.rec"))

    assert ran.exit_code == 2
    assert "--record" in ran.stderr
