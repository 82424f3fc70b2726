"""What the comparison itself is made of, without the oracle."""

import sys
from pathlib import Path

import pytest

from tests.parity.compare import differences
from tests.parity.oracle_process import Case, OracleDied, OracleProcess
from tests.parity.shrinking import shrunk
from tests.parity.worlds import seeded_world


def program(folder: Path, body: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_number_of_a_seed_is_always_the_same_world() -> None:
    assert seeded_world(5, 7) == seeded_world(5, 7)


def test_another_number_is_another_world() -> None:
    assert seeded_world(5, 7) != seeded_world(5, 8) | {"id": "5-7"}


def test_answers_come_in_the_order_of_the_cases(tmp_path: Path) -> None:
    echo = program(tmp_path, "for line in sys.stdin: print(line.strip(), flush=True)")
    cases = [{"id": str(number)} for number in range(1_000)]

    with OracleProcess(echo) as oracle:
        found = list(oracle.answers(cases))

    assert found == [(case, case) for case in cases]


def test_an_oracle_that_ends_early_is_quoted(tmp_path: Path) -> None:
    mute = program(tmp_path, "sys.stdin.readline(); sys.exit('out of memory')")

    with OracleProcess(mute) as oracle, pytest.raises(OracleDied, match="out of memory"):
        list(oracle.answers([{"id": "1"}, {"id": "2"}]))


def test_a_world_that_cannot_be_made_ends_the_answers(tmp_path: Path) -> None:
    echo = program(tmp_path, "for line in sys.stdin: print(line.strip(), flush=True)")

    with OracleProcess(echo) as oracle, pytest.raises(ZeroDivisionError):
        list(oracle.answers({"id": str(1 // number)} for number in (1, 0)))


def test_a_shrunk_case_keeps_what_shows_the_difference_and_little_else() -> None:
    whole = seeded_world(5, 7)
    taint = {"key": "gpu", "value": "a", "effect": "NoSchedule"}
    whole["nodes"][0]["spec"]["taints"] = [taint]

    def is_tainted(case: Case) -> bool:
        return any(taint in node["spec"].get("taints", ()) for node in case["nodes"])

    small = shrunk(whole, is_tainted)

    assert [node["spec"] for node in small["nodes"]] == [{"taints": [taint]}]
    assert "pods" not in small
    assert small["pod"]["spec"].keys() == {"containers"}


def test_a_pod_that_is_refused_as_such_is_refused_on_every_node() -> None:
    case = {"id": "x", "nodes": [{"metadata": {"name": name}} for name in ("n1", "n2")]}
    theirs = {"preFilter": {"reasons": ["no"], "code": "Unschedulable"}, "nodes": {}, "error": ""}
    ours = {
        "preFilter": None,
        "nodes": {"n1": {"ok": True}, "n2": {"ok": False, "reasons": ["no"], "code": ""}},
    }

    found = list(differences(case, theirs, ours))

    assert [(one.node, one.kind) for one in found] == [("n1", "admitted")]
