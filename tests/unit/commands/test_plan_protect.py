"""`plan --protect`: backups for all that a little verifier of its own finds right."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.cases import MIB, PLANETLAB, UNIT_MIB, Case, make_case, planetlab_ms
from commands import effort
from commands.app import app
from commands.effort import Effort
from scheduler.reliability.cover.settings import CoverEffortSettings
from tests.plan_command import run

UNIT = UNIT_MIB * MIB


@pytest.fixture(autouse=True)
def little_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search little: what is tested here does not depend on how much."""
    little = Effort(CoverEffortSettings(search=1_500, covers_running=True), 1e9)
    monkeypatch.setitem(effort.EFFORTS, "default", little)


def a_case(seed: int, nodes: int = 20, pods: int = 40, load: float = 0.5) -> Case:
    rng = np.random.default_rng(seed)
    return make_case(planetlab_ms(PLANETLAB, nodes, rng), pods, load, rng)


def protect(folder: Path, case: Case, mode: str) -> tuple[int, str]:
    case.write(folder)
    options = {
        "--delay-matrix": "delay_matrix.txt",
        "--metadata": "metadata.json",
        "--nodes": "nodes.json",
        "--pods": "pods.yaml",
    }
    paths = [part for key, name in options.items() for part in (key, str(folder / name))]
    result = CliRunner().invoke(app, ["plan", *paths, "--protect", mode])
    return result.exit_code, result.stdout


def faults(case: Case, plan: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a plan: delays, memory, and whether every node may die."""
    names = {f"n{k:03d}": k for k in range(len(case.node_units))}
    host = {number(pod): names[on] for pod, on in plan["placement"].items()}
    shared = plan["placeholders"].items()
    reserve = {names[on]: one["bytes"] for on, one in shared}
    backup = {number(pod): names[on] for on, one in shared for pod in one["pods"]}
    waiting = {number(pod) for pod in plan["unplaced"]}
    found = [] if sorted([*host, *waiting]) == list(range(len(case.pod_units))) else ["pods lost"]
    found += [f"{pod} is its own backup" for pod, on in backup.items() if host[pod] == on]
    found += [
        f"{pod} is too far on {on}"
        for pod, on in (*host.items(), *backup.items())
        if case.rtt_ms[case.pod_reference[pod], on] > case.pod_radius_ms[pod]
    ]
    used: dict[int, int] = defaultdict(int)
    failing: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for pod, on in host.items():
        used[on] += int(case.pod_units[pod]) * UNIT
        if pod in backup:
            failing[backup[pod]][on] += int(case.pod_units[pod]) * UNIT
    for on, units in enumerate(case.node_units.tolist()):
        kept, worst = reserve.get(on, 0), max(failing[on].values(), default=0)
        found += [f"{on} is too full"] if used[on] + kept > units * UNIT else []
        found += [f"{on} keeps {kept} for a failure of {worst}"] if kept != worst else []
    return found


def number(pod: str) -> int:
    """Return the number of a pod of a case: ``pod0007`` or ``pod0007-0``."""
    return int(pod[3:7])


@pytest.mark.parametrize("mode", ["preferred", "required"])
@pytest.mark.parametrize(("seed", "load"), [(1, 0.5), (2, 0.8), (3, 0.98)])
def test_a_plan_survives_every_single_failure(
    tmp_path: Path, mode: str, seed: int, load: float
) -> None:
    case = a_case(seed, load=load)

    status, text = protect(tmp_path, case, mode)

    plan = json.loads(text)
    assert faults(case, plan) == []
    assert status == (3 if plan["unplaced"] else 0)
    covered = {pod for one in plan["placeholders"].values() for pod in one["pods"]}
    assert len(covered) == plan["stats"]["cover"]["covered"]
    if mode == "required":
        assert covered == set(plan["placement"])


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    case = a_case(4, load=0.9)
    assert protect(tmp_path, case, "preferred") == protect(tmp_path, case, "preferred")


def test_a_placeholder_says_bytes_resources_and_pods(tmp_path: Path) -> None:
    _, text = protect(tmp_path, a_case(5), "required")
    plan = json.loads(text)

    assert plan["placeholders"]
    for one in plan["placeholders"].values():
        assert list(one) == ["bytes", "pods", "resources"]
        assert one["bytes"] == one["resources"]["memory"] > 0
        assert one["pods"] == sorted(one["pods"])
    total = sum(one["bytes"] for one in plan["placeholders"].values())
    assert plan["stats"]["cover"]["reserve"]["memory"] == total


def test_without_protection_nothing_is_reserved_and_the_form_is_the_same(tmp_path: Path) -> None:
    case = a_case(6)
    plans = {mode: json.loads(protect(tmp_path, case, mode)[1]) for mode in ("off", "required")}

    assert plans["off"]["placeholders"] == {}
    assert list(plans["off"]) == list(plans["required"])
    assert plans["off"]["stats"].keys() == plans["required"]["stats"].keys()
    assert run(tmp_path, {}).stdout == run(tmp_path, {}, "--protect", "off").stdout


def test_an_unknown_way_to_protect_is_refused(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "--protect", "sometimes")

    assert ran.exit_code == 2
    assert "sometimes" in ran.stderr


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_a_search_without_time_leaves_a_right_plan_that_says_so(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried = Effort(CoverEffortSettings(search=1_000_000, covers_running=True), -1e9)
    monkeypatch.setitem(effort.EFFORTS, "default", hurried)
    case = a_case(7, load=0.95)

    _, text = protect(tmp_path, case, mode)

    plan = json.loads(text)
    assert plan["stats"]["is_truncated"] is True
    assert faults(case, plan) == []
