"""What is said when something is not installed, and how the command line starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from commands.missing import advice

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("has_venv", "can_make_venv", "command"),
    [
        (True, True, ".venv/bin/python main.py plan"),
        (False, True, "make run"),
        (False, False, "sudo apt install python3-venv && make run"),
    ],
)
def test_the_advice_ends_with_the_command_that_helps(
    has_venv: bool,  # noqa: FBT001 - a table's column
    can_make_venv: bool,  # noqa: FBT001 - a table's column
    command: str,
) -> None:
    said = advice("typer", "main.py plan", has_venv=has_venv, can_make_venv=can_make_venv)

    assert said.endswith(f"; run: {command}")
    assert "typer" in said


def test_a_missing_requirement_is_one_sentence_and_no_traceback() -> None:
    # -S -I leaves out site-packages: a Python in which nothing is installed.
    ran = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "import runpy; runpy.run_path('main.py', run_name='__main__')",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode != 0
    assert ran.stderr.startswith("Isochrone needs the Python module typer")
    assert ran.stderr.count("\n") == 1


def test_main_is_ten_lines_or_so_that_an_old_python_can_read() -> None:
    text = (ROOT / "main.py").read_text(encoding="utf-8")

    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    assert 'f"' not in text


def test_help_lists_every_command() -> None:
    said = CliRunner().invoke(app, ["--help"]).stdout

    for command in ("plan", "explain", "dev"):
        assert command in said


def test_help_loads_no_numerical_library() -> None:
    script = (
        "import sys\nfrom commands.app import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'scipy', 'sklearn') if m in sys.modules])"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.splitlines()[-1] == "[]"
