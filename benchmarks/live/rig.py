"""The control plane of the benchmark, and the processes that work beside a scheduler."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.live.contenders import ROOT
from benchmarks.live.measured import Cpu
from benchmarks.live.scenarios import Scenario
from benchmarks.live.usage import cpu_s_of, machine_busy_s
from benchmarks.live.wanted import (
    NAMESPACES,
    PODS_NAMESPACE,
    events_path,
    pods_path,
    priority_class,
)
from benchmarks.live.watcher import Seen
from tests.real.api import Object
from tests.real.control_plane import ControlPlane
from tests.real.program import wait_until

API_SERVER_FLAGS = (
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--max-requests-inflight=4000",
    "--max-mutating-requests-inflight=4000",
    "--event-ttl=10m",
    "--delete-collection-workers=16",
)
"""Nobody makes ServiceAccounts here, and no limit but the machine's is to be met."""

LONGEST_RUN_S = 600.0
_QUIET_SHARE = 0.1
_QUIET_LOOK_S = 0.5
_LONGEST_UNREST_S = 20.0


class Rig:
    """An API server with nodes and presets; runs while inside ``with``.

    Parameters
    ----------
    place
        An empty folder for all files.
    more_flags
        Of the API server, beside the benchmark's own.
    """

    def __init__(self, place: Path, more_flags: Iterable[str] = ()) -> None:
        self.place = place
        flags = (*API_SERVER_FLAGS, *more_flags)
        self.plane = ControlPlane(place, controllers=False, api_server_flags=flags)
        self.nodes = 0

    def __enter__(self) -> Self:
        self.plane.__enter__()
        self.kubeconfig = self.plane.kubeconfig("bench")
        admin = self.plane.admin
        for name in NAMESPACES:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            admin.create("/api/v1/namespaces", namespace)
        admin.create("/apis/scheduling.k8s.io/v1/priorityclasses", priority_class())
        return self

    def __exit__(self, *exception: object) -> None:
        self.plane.__exit__(*exception)

    def grow(self, nodes: int) -> None:
        """Have `nodes` nodes."""
        self.load("nodes", str(self.nodes), str(nodes))
        self.nodes = max(self.nodes, nodes)

    def preset(self, scenario: Scenario, count: int) -> None:
        """Have `count` bound pods of a scenario and no others, beside those to be measured."""
        for namespace in NAMESPACES:
            self.empty(namespace)
        self.load("pods-and-bind", str(count), str(self.nodes), "--scenario", scenario)

    def load(self, command: str, *arguments: str) -> float:
        """Run the load client to its end; return the seconds its requests took."""
        with closing(self.start_load(command, *arguments)) as loading:
            return loading.seconds()

    def start_load(self, command: str, *arguments: str) -> "Load":
        """Start the load client."""
        return Load([command, str(self.kubeconfig), *arguments])

    def empty(self, namespace: str) -> None:
        """Delete the pods and events of a namespace, and wait until they are gone."""
        admin = self.plane.admin
        for path in (pods_path(namespace), events_path(namespace)):
            admin.delete(path, gracePeriodSeconds="0")
            wait_until(lambda path=path: not self.count(path), f"{path} is empty")  # type: ignore[misc]

    def count(self, path: str) -> int:
        """Return how many objects a collection has, without reading them."""
        found = self.plane.admin.get(path, limit="1")
        return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))

    def all(self, path: str) -> list[Object]:
        """Return all objects of a collection."""
        return self.plane.admin.items(path)

    def cpu(self, scheduler_pid: int | None, clients: Iterable[int] = ()) -> Cpu:
        """Return what each process has used so far; one that ended counts until it is reaped."""
        return Cpu(
            scheduler=0.0 if scheduler_pid is None else cpu_s_of(scheduler_pid),
            api_server=cpu_s_of(self.plane.api_server.pid),
            etcd=cpu_s_of(self.plane.etcd.pid),
            clients=time.process_time() + sum(map(cpu_s_of, clients)),
            machine=machine_busy_s(),
        )

    def settle(self, scheduler_pid: int | None = None) -> None:
        """Wait until scheduler, API server and etcd do next to nothing, or for 20 s at most."""
        wait_s, pause = 0.0, threading.Event()
        while wait_s < _LONGEST_UNREST_S:
            before = self.cpu(scheduler_pid)
            pause.wait(_QUIET_LOOK_S)
            wait_s += _QUIET_LOOK_S
            used = self.cpu(scheduler_pid) - before
            if used.scheduler + used.api_server + used.etcd < _QUIET_SHARE * _QUIET_LOOK_S:
                return

    @contextmanager
    def watching(self, count: int) -> Iterator["Watching"]:
        """Have a process watch the pods from now on."""
        version = self.plane.admin.get(pods_path(PODS_NAMESPACE), limit="1")["metadata"]
        output = self.place / "seen.json"
        arguments = [PODS_NAMESPACE, str(version["resourceVersion"]), str(count), str(output)]
        watching = Watching([str(self.kubeconfig), *arguments], output)
        try:
            watching.wait_for("watching")
            yield watching
        finally:
            watching.end()


class Load:
    """A load client under way. Its owner closes it."""

    def __init__(self, arguments: list[str]) -> None:
        self._process = _python("benchmarks.live.load", arguments)
        self.pid = self._process.pid

    def seconds(self) -> float:
        """Wait for its end; return the seconds its requests took.

        Raises
        ------
        RuntimeError
            If a request failed.
        """
        said, _ = self._process.communicate(timeout=LONGEST_RUN_S)
        if self._process.returncode:
            raise RuntimeError(f"the load client ended with {self._process.returncode}")
        return float(json.loads(said)["seconds"])

    def close(self) -> None:
        """End it, if it has not ended."""
        _end(self._process)


class Watching:
    """The watcher's process. Its owner ends it."""

    def __init__(self, arguments: list[str], output: Path) -> None:
        self._output = output
        self._process = _python("benchmarks.live.watcher", arguments)
        self.pid = self._process.pid
        self._words: set[str] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def has_said(self, word: str) -> bool:
        """Tell whether it has said a word.

        Raises
        ------
        RuntimeError
            If it has not, and has ended.
        """
        if word in self._words:
            return True
        if not self._reader.is_alive() and word not in self._words:
            raise RuntimeError(f"the watcher ended before it said {word}; it says above why")
        return False

    def wait_for(self, word: str) -> None:
        """Wait until it has said a word."""
        wait_until(lambda: self.has_said(word), f"the watcher says {word}", within_s=LONGEST_RUN_S)

    def seen(self) -> Seen:
        """Return what it saw, once it has said that it is written."""
        return msgspec.json.decode(self._output.read_bytes(), type=Seen)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._words.add(line.strip())

    def end(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._reader.join()
        _end(self._process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _python(module: str, arguments: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
