"""One run: a fresh scheduler on an emptied server, measured from outside."""

import os
import tempfile
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.live.audit import events_a_pod, faults
from benchmarks.live.between import broken_rules, fitted_after_all
from benchmarks.live.contenders import Contender, Started
from benchmarks.live.measured import Case, Ceiling, Cpu, Run, rate, waits_ms
from benchmarks.live.rig import Load, Rig, Watching
from benchmarks.live.scenarios import never_fitting_of
from benchmarks.live.usage import peak_bytes_of
from benchmarks.live.wanted import NEVER_NAMESPACE, PODS_NAMESPACE, events_path, pods_path
from benchmarks.live.watcher import Seen
from tests.real.program import NotReady, wait_until

PACED_PER_S = 50.0
_EVENTS_S = 30.0


@dataclass(frozen=True, slots=True)
class _Window:
    """What was used while the scheduler worked, and by the scheduler since its start."""

    seconds: float
    cpu: Cpu
    scheduler_cpu_s: float
    peak_mb: float


class Trial:
    """A scheduler and the case that it is given.

    Parameters
    ----------
    rig
        With the case's nodes and presets.
    contender
        Who is measured.
    case
        What is asked.
    limit_s
        Longest wait for the first binding, and for the last.
    """

    def __init__(self, rig: Rig, contender: Contender, case: Case, limit_s: float) -> None:
        self._rig, self._contender, self._case = rig, contender, case
        self._limit_s = limit_s
        self._load_before = os.getloadavg()[0]

    def run(self) -> Run:
        """Measure once.

        Raises
        ------
        NotReady, RuntimeError
            If scheduler or watcher end, or the pods are not bound in time.
        """
        for namespace in (PODS_NAMESPACE, NEVER_NAMESPACE):
            self._rig.empty(namespace)
        self._rig.settle()
        self._load_before = os.getloadavg()[0]
        place = Path(tempfile.mkdtemp(prefix=f"{self._contender.name}-", dir=self._rig.place))
        with self._rig.watching(self._case.pods) as watching:
            if self._is_drain:
                with closing(self._start_creating()) as loading:
                    loading.seconds()
                watching.wait_for("created")
                self._rig.settle()
            started_s = time.monotonic()
            started = self._contender.start(self._rig.kubeconfig, place)
            try:
                window = self._observe(watching, started)
                return self._told(window, watching.seen(), started_s)
            finally:
                started.program.stop()

    def bound(self) -> int:
        """Return how many of the pods are bound by now."""
        pods = self._rig.all(pods_path(PODS_NAMESPACE))
        return sum("nodeName" in pod["spec"] for pod in pods)

    @property
    def _is_drain(self) -> bool:
        return self._case.mode == "drain"

    def _observe(self, watching: Watching, started: Started) -> _Window:
        """Measure from the first binding, or from ready and idle, until all events are there."""
        program = started.program
        if self._is_drain:
            first = partial(watching.has_said, "first")
            program.wait_until(first, "it binds a pod", within_s=self._limit_s)
        else:
            program.wait_until(started.is_ready, "it is ready")
            self._rig.settle(program.pid)
        clients = [watching.pid]
        before, began_s = self._rig.cpu(program.pid, clients), time.monotonic()
        with ExitStack() as stack:
            if not self._is_drain:
                loading = stack.enter_context(closing(self._start_creating()))
                clients.append(loading.pid)
            written = partial(watching.has_said, "written")
            program.wait_until(written, "all pods are bound", within_s=self._limit_s)
            # Events are written beside the bindings and may come after the last of them.
            with suppress(NotReady):
                wait_until(self._has_events, "an event a pod is there", within_s=_EVENTS_S)
            after, ended_s = self._rig.cpu(program.pid, clients), time.monotonic()
        peak_mb = peak_bytes_of(program.pid) / 1e6
        return _Window(ended_s - began_s, after - before, after.scheduler, peak_mb)

    def _told(self, window: _Window, seen: Seen, started_s: float) -> Run:
        p50_ms, p99_ms = waits_ms(seen.created_s, seen.bound_s, started_s)
        return Run(
            at=now(),
            case=self._case,
            scheduler=self._contender.name,
            load_before=round(self._load_before, 2),
            pods_per_s=rate(self._case.mode, seen.created_s, seen.bound_s),
            p50_ms=p50_ms,
            p99_ms=p99_ms,
            window_s=window.seconds,
            cpu_window=window.cpu,
            scheduler_cpu_s=window.scheduler_cpu_s,
            peak_mb=window.peak_mb,
            first_bind_s=min(seen.bound_s.values()) - started_s if self._is_drain else 0.0,
            events=events_a_pod(self._rig.all(events_path(PODS_NAMESPACE)), PODS_NAMESPACE),
            streams=seen.streams,
            faults=self._faults(seen),
        )

    def _has_events(self) -> bool:
        wanted = {
            PODS_NAMESPACE: self._case.pods,
            NEVER_NAMESPACE: never_fitting_of(self._case.scenario),
        }
        return all(
            self._rig.count(events_path(namespace)) >= count
            for namespace, count in wanted.items()
            if count
        )

    def _faults(self, seen: Seen) -> list[str]:
        nodes, pods = (self._rig.all(f"/api/v1/{kind}") for kind in ("nodes", "pods"))
        never = [pod for pod in pods if pod["metadata"]["namespace"] == NEVER_NAMESPACE]
        return [
            *seen.moved,
            *faults(nodes, pods, self._case.pods, PODS_NAMESPACE),
            *broken_rules(nodes, pods),
            *fitted_after_all(never),
        ]

    def _start_creating(self) -> Load:
        per_s = PACED_PER_S if self._case.mode == "paced" else 0.0
        flags = {
            "--scheduler": self._contender.pods_name,
            "--scenario": self._case.scenario,
            "--per-s": str(per_s),
        }
        words = [word for flag in flags.items() for word in flag]
        return self._rig.start_load("pods", str(self._case.pods), *words)


def now() -> str:
    """Return the moment for people."""
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


def ceilings(rig: Rig, nodes: int, pods: int) -> list[Ceiling]:
    """Measure what the server takes with no scheduler: bindings alone, and with the creates."""

    def measured(what: str, command: str) -> Ceiling:
        rig.settle()
        load_before = os.getloadavg()[0]
        seconds = rig.load(command, str(pods), str(nodes), "--namespace", PODS_NAMESPACE)
        return Ceiling(now(), nodes, what, pods / seconds, round(load_before, 2))

    rig.empty(PODS_NAMESPACE)
    rig.load("pods", str(pods), "--scheduler", "nobody")
    bindings = measured("bindings, 64 at once", "bind")
    rig.empty(PODS_NAMESPACE)
    return [bindings, measured("pods created and bound, 32 at once", "pods-and-bind")]
