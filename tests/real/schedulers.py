"""Our scheduler as a process beside a test, as the shipped manifests start it."""

import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import requests
import yaml

from tests.real.api import read_manifests
from tests.real.program import Program

_ROOT = Path(__file__).parents[2]
_MANIFESTS = _ROOT / "configs" / "kubernetes"
_ASK_S = 10.0
_numbers = itertools.count(1)


class Scheduler:
    """Runs while inside ``with``; leaving ends it in peace if it still runs.

    Command, arguments and settings are those of the manifests; only what is local differs.

    Parameters
    ----------
    kubeconfig
        Whose account, and which way to the API server.
    place
        Folder for its settings and log.
    matrix
        Round-trip times; None for none.
    is_alone
        Whether it leads without a Lease, unlike the shipped one.
    settings
        In place of the shipped ones of these names.
    """

    def __init__(
        self,
        kubeconfig: Path,
        place: Path,
        *,
        matrix: Path | None = None,
        is_alone: bool = True,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._name = f"scheduler-{next(_numbers)}"
        self._place = place
        config = place / f"{self._name}.yaml"
        config.write_text(yaml.safe_dump({**_settings(matrix), **(settings or {})}))
        self._command = [
            sys.executable,
            str(_ROOT / "main.py"),
            *_shipped_command(),
            f"--kubeconfig={kubeconfig}",
            f"--config={config}",
            "--port=0",
            "--bind-address=127.0.0.1",
            "--log-format=json",
            *(["--no-leader-elect"] if is_alone else []),
        ]

    def __enter__(self) -> Self:
        self.program = Program(self._command, self._place / f"{self._name}.log")
        return self

    def __exit__(self, *_: object) -> None:
        if self.program.exit_status is None:
            self.program.stop()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what the log says of one kind of event."""
        found = []
        for line in self.program.log.splitlines():
            if f'"{event}"' in line and line.endswith("}"):
                said = json.loads(line)
                if said.get("event") == event:
                    found.append(said)
        return found

    @property
    def address(self) -> str:
        """Where it is asked, once it listens."""
        self.program.wait_until(lambda: bool(self.lines("run.listening")), "it listens")
        return f"http://127.0.0.1:{self.lines('run.listening')[0]['port']}"

    def asked(self, path: str) -> requests.Response:
        """Return the answer to a GET."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.address}{path}", timeout=_ASK_S)

    def is_ready(self) -> bool:
        """Whether it says that its caches are complete."""
        return bool(self.asked("/readyz").status_code == requests.codes.ok)

    def wait_until_ready(self) -> None:
        """Wait for that."""
        self.program.wait_until(self.is_ready, "it is ready")

    def metric(self, name: str) -> float:
        """Return a metric, by its name with labels."""
        for line in self.asked("/metrics").text.splitlines():
            key, _, value = line.rpartition(" ")
            if key == name:
                return float(value)
        raise KeyError(name)

    @property
    def leads(self) -> bool:
        """Whether it holds the Lease and acts."""
        return "this replica leads" in self.asked("/readyz?verbose").text


def _settings(matrix: Path | None) -> dict[str, Any]:
    """Return the settings of the shipped ConfigMap, the matrix where the test has it."""
    [config] = read_manifests(_MANIFESTS / "configmap.yaml")
    settings: dict[str, Any] = yaml.safe_load(config["data"]["config.yaml"])
    settings["telemetry"]["matrix"] = {"path": str(matrix or ""), "rereadSeconds": 0.2}
    return settings


def _shipped_command() -> list[str]:
    """Return what the shipped Deployment gives to main.py, but for what names files and ports."""
    documents = read_manifests(_MANIFESTS / "deployment.yaml")
    deployment = next(one for one in documents if one["kind"] == "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    python, main, *command = container["command"]
    if (python, main) != ("python3", "main.py"):
        raise ValueError(f"the Deployment's command is {python} {main}, not python3 main.py")
    given = [a for a in container["args"] if not a.startswith(("--config=", "--port="))]
    return [*command, *given]
