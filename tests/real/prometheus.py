"""A real Prometheus on loopback, with what it scrapes: real exporters, and pages of a test."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from telemetry.errors import SourceError
from telemetry.sources.prometheusserver import Question, asked
from tests.real.exporters import folder
from tests.real.ports import free_port
from tests.real.program import NotReady, Program, wait_until

USER, PASSWORD = "isochrone", "correct horse"
_PASSWORD_HASH = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"  # noqa: S105 - bcrypt
_READY_S = 0.5
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for 127.0.0.1 that signs itself."""

    path: Path
    key: Path


def certificate(folder_: Path) -> Certificate:
    """Make one."""
    made = Certificate(folder_ / "certificate.pem", folder_ / "key.pem")
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made.key, "-out", made.path)
    subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)  # noqa: S603, S607 - as it is installed
    return made


class Prometheus:
    """A running server. Its scrapes are a second apart.

    Parameters
    ----------
    home
        A folder of its own.
    jobs
        Its scrape configurations.
    guarded
        With TLS and a password, by this certificate; None for neither.
    """

    def __init__(
        self,
        home: Path,
        jobs: Sequence[Mapping[str, Any]] = (),
        guarded: Certificate | None = None,
    ) -> None:
        port = free_port()
        scrapes = {"scrape_interval": "1s", "scrape_timeout": "900ms"}
        config = {"global": scrapes, "scrape_configs": list(jobs)}
        (home / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        flags = [
            f"--config.file={home / 'prometheus.yml'}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self.url = f"http://127.0.0.1:{port}"
        self._verify: str | bool = True
        if guarded is not None:
            self.url = f"https://127.0.0.1:{port}"
            self._verify = str(guarded.path)
            files = {"cert_file": str(guarded.path), "key_file": str(guarded.key)}
            web = {"tls_server_config": files, "basic_auth_users": {USER: _PASSWORD_HASH}}
            (home / "web.yml").write_text(json.dumps(web))
            flags.append(f"--web.config.file={home / 'web.yml'}")
        self._program = Program([str(folder() / "prometheus"), *flags], home / "prometheus.log")
        try:
            self._program.wait_until(self._is_ready, "Prometheus is not ready")
        except NotReady:
            self.stop()
            raise

    def _is_ready(self) -> bool:
        try:
            answer = requests.get(
                f"{self.url}/-/ready",
                timeout=_READY_S,
                verify=self._verify,
                auth=(USER, PASSWORD),
            )
        except requests.RequestException:
            return False
        return answer.ok

    def stop(self) -> None:
        """End it."""
        self._program.stop()


def blackbox(stack: ExitStack, home: Path) -> int:
    """Run a real blackbox exporter until the stack unwinds; return its port."""
    port = free_port()
    modules = {
        "icmp": {"prober": "icmp", "timeout": "500ms", "icmp": {"preferred_ip_protocol": "ip4"}},
        "tcp": {"prober": "tcp", "timeout": "500ms", "tcp": {"preferred_ip_protocol": "ip4"}},
    }
    (home / "blackbox.yml").write_text(json.dumps({"modules": modules}))
    flags = (f"--config.file={home / 'blackbox.yml'}", f"--web.listen-address=127.0.0.1:{port}")
    _exporter(stack, "prometheus-blackbox-exporter", flags, home, port)
    return port


def smokeping(stack: ExitStack, home: Path, targets: Sequence[str]) -> int:
    """Run a real smokeping prober until the stack unwinds; return its port."""
    port = free_port()
    flags = (f"--web.listen-address=127.0.0.1:{port}", "--ping.interval=100ms", *targets)
    _exporter(stack, "prometheus-smokeping-prober", flags, home, port)
    return port


def _exporter(stack: ExitStack, name: str, flags: Sequence[str], home: Path, port: int) -> None:
    program = Program([str(folder() / name), *flags], home / f"{name}.log")
    stack.callback(program.stop)

    def is_ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=_READY_S).ok
        except requests.RequestException:
            return False

    program.wait_until(is_ready, f"{name} is not ready")


def eventually(
    question: Question, node_of: Mapping[str, str], claim: Callable[[object], _T | None], what: str
) -> _T:
    """Ask until the answer, readings or an error, is as claimed; return what the claim returns.

    Raises
    ------
    NotReady
        If it is not in time.
    """
    found: list[_T] = []

    def holds() -> bool:
        answer: object
        try:
            answer = asked(question, node_of)
        except SourceError as error:
            answer = error
        result = claim(answer)
        if result:
            found.append(result)
        return bool(result)

    wait_until(holds, what)
    return found[0]
