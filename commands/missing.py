"""Starts the program, or says in one sentence which command installs what is missing.

Imports the standard library alone: it must run where nothing is installed.
"""

import importlib.util
import sys
from pathlib import Path

_OURS = ("commands", "scheduler", "simulator", "telemetry")
_ROOT = Path(__file__).resolve().parent.parent


def run() -> None:
    """Run the program with the process's arguments."""
    try:
        from commands.app import main  # noqa: PLC0415 - what it needs may not be installed

        main()
    except ModuleNotFoundError as error:
        if error.name == "simulator" and not (_ROOT / "simulator").exists():
            sys.exit("dev mode is not part of this image; run it from a checkout: make run")
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise
        arguments = " ".join(["main.py", *sys.argv[1:]])
        sys.exit(advice(error.name, arguments, has_venv=_has_venv(), can_make_venv=_can()))


def advice(module: str, arguments: str, *, has_venv: bool, can_make_venv: bool) -> str:
    """Return what to do about a module that is not installed.

    Parameters
    ----------
    module
        Name of the module.
    arguments
        The program's own arguments, to be repeated.
    has_venv
        Whether ``make run`` has made an environment already.
    can_make_venv
        Whether this Python can make one.
    """
    said = f"Isochrone needs the Python module {module}, which this Python does not have; run: "
    if has_venv:
        return f"{said}.venv/bin/python {arguments}"
    if not can_make_venv:
        return f"{said}sudo apt install python3-venv && make run"
    return f"{said}make run"


def _has_venv() -> bool:
    python = _ROOT / ".venv" / "bin" / "python"
    # From inside that environment the advice to use it would lead nowhere: its list is stale.
    return python.exists() and Path(sys.prefix).resolve() != (_ROOT / ".venv").resolve()


def _can() -> bool:
    return importlib.util.find_spec("ensurepip") is not None
