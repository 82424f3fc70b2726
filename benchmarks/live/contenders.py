"""The schedulers that are compared: how each is started, and when it is ready."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests
import yaml

from tests.real.ports import free_port
from tests.real.program import Program
from tests.real.programs import folder

ROOT = Path(__file__).parents[2]
STOCK = "kube-scheduler"
OURS = "isochrone"
_PER_S = 5_000
"""Requests a second that kube-scheduler's client may send; the default of 50 would be its limit."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A scheduler under test.

    Parameters
    ----------
    name
        For the table.
    pods_name
        ``spec.schedulerName`` of its pods.
    start
        Starts it as an account (a kubeconfig), with files in a folder of its own.
    """

    name: str
    pods_name: str
    start: Callable[[Path, Path], "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """A scheduler's process. Its owner stops it."""

    program: Program
    readiness: str
    authority: Path | None = None

    def is_ready(self) -> bool:
        """Tell whether it says that its caches are complete."""
        if self.authority is not None and not self.authority.is_file():
            return False
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self.authority or True)
            try:
                return session.get(self.readiness, timeout=5).ok
            except requests.RequestException:
                return False


def stock(*, elects: bool = False) -> Contender:
    """Return kube-scheduler as it is built by `make control-plane`, its client's limits raised.

    `elects` has it take its Lease first.
    """
    return Contender(STOCK, "default-scheduler", partial(_start_stock, elects=elects))


def ours(source: Path = ROOT, *, elects: bool = False) -> Contender:
    """Return Isochrone with its defaults, from a checkout of it; `elects` as for `stock`."""

    def start(kubeconfig: Path, place: Path) -> Started:
        port = free_port()
        flags = {"kubeconfig": str(kubeconfig), "port": str(port), "bind-address": "127.0.0.1"}
        election = "--leader-elect" if elects else "--no-leader-elect"
        command = [sys.executable, str(source / "main.py"), "run", *_flags(flags), election]
        program = Program(command, place / f"{OURS}.log")
        return Started(program, f"http://127.0.0.1:{port}/readyz")

    return Contender(OURS, "custom-scheduler", start)


def _start_stock(kubeconfig: Path, place: Path, *, elects: bool) -> Started:
    port, certificates = free_port(), place / "certificates"
    config = place / "kube-scheduler.yaml"
    config.write_text(yaml.safe_dump(stock_configuration(kubeconfig, elects=elects)))
    flags = {
        "config": str(config),
        "secure-port": str(port),
        "bind-address": "127.0.0.1",
        "cert-dir": str(certificates),
        "authentication-skip-lookup": "true",
    }
    program = Program([str(folder() / STOCK), *_flags(flags)], place / f"{STOCK}.log")
    return Started(program, f"https://127.0.0.1:{port}/readyz", certificates / "kube-scheduler.crt")


def stock_configuration(kubeconfig: Path, *, elects: bool = False) -> dict[str, object]:
    """Return kube-scheduler's configuration; what it does not name is the default."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": elects},
        "clientConnection": {
            "kubeconfig": str(kubeconfig),
            "qps": _PER_S,
            "burst": _PER_S,
            "contentType": "application/vnd.kubernetes.protobuf",
        },
    }


def missing() -> str:
    """Return a sentence that says what is missing and what helps, or nothing."""
    needed = ("etcd", "kube-apiserver", STOCK)
    absent = [name for name in needed if not (folder() / name).is_file()]
    if not absent:
        return ""
    return f"no {', '.join(absent)} in {folder()}; build them once: make control-plane (needs Go)"


def _flags(values: dict[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]
