"""What one run gave, and what several runs of one kind give together."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from benchmarks.live.scenarios import Scenario

Mode = Literal["drain", "arrival", "paced"]
MODES: tuple[Mode, ...] = ("drain", "arrival", "paced")


class Case(msgspec.Struct, frozen=True):
    """What is asked of a scheduler."""

    nodes: int
    mode: Mode
    pods: int
    preset: int
    scenario: Scenario = "plain"

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.scenario}, {self.mode}, {self.nodes:,} nodes"


class Cpu(msgspec.Struct, frozen=True):
    """CPU seconds, user and system, of all threads."""

    scheduler: float
    api_server: float
    etcd: float
    clients: float = 0.0
    """The load client, the watcher and the benchmark itself."""
    machine: float = 0.0
    """All that was not idle."""

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(
            self.scheduler - other.scheduler,
            self.api_server - other.api_server,
            self.etcd - other.etcd,
            self.clients - other.clients,
            self.machine - other.machine,
        )

    @property
    def others(self) -> float:
        """What neither we nor the control plane used: other work on the machine, the kernel's."""
        return self.machine - self.scheduler - self.api_server - self.etcd - self.clients


class Run(msgspec.Struct, frozen=True):
    """One run of one scheduler."""

    at: str
    case: Case
    scheduler: str
    load_before: float
    """Load average of the machine before it: what others were doing."""
    pods_per_s: float
    p50_ms: float
    p99_ms: float
    window_s: float
    cpu_window: Cpu
    """From the first binding (drain) or from ready (arrival, paced) until all events are there."""
    scheduler_cpu_s: float
    """The scheduler's from its start: loading its program and listing the cluster included."""
    peak_mb: float
    first_bind_s: float
    """From the scheduler's start; 0 where it was ready before."""
    events: dict[str, int]
    streams: int
    faults: list[str]

    @property
    def others_cores(self) -> float:
        """CPUs that were busy with other work in the window."""
        return self.cpu_window.others / self.window_s

    @property
    def cpu_ms_a_pod(self) -> float:
        """The scheduler's, in the window."""
        return self.cpu_window.scheduler / self.case.pods * 1e3

    @property
    def whole_cpu_ms_a_pod(self) -> float:
        """The scheduler's, its start included."""
        return self.scheduler_cpu_s / self.case.pods * 1e3


class Failure(msgspec.Struct, frozen=True):
    """A run that gave nothing."""

    at: str
    case: Case
    scheduler: str
    bound: int
    """Pods that were bound all the same."""
    why: str

    @property
    def text(self) -> str:
        """For people, without the log's end."""
        reason = self.why.partition("; the end of its log")[0]
        return f"no figures, {self.bound:,} of {self.case.pods:,} pods are bound: {reason}"


class Ceiling(msgspec.Struct, frozen=True):
    """What the load client reaches with no scheduler at all."""

    at: str
    nodes: int
    what: str
    per_s: float
    load_before: float


def rate(mode: Mode, created_s: Mapping[str, float], bound_s: Mapping[str, float]) -> float:
    """Return pods a second: from the first binding where all waited, else from the first pod."""
    first_s = min((bound_s if mode == "drain" else created_s).values())
    # The first binding starts the clock of a drain, and is not counted.
    number = len(bound_s) - 1 if mode == "drain" else len(bound_s)
    return number / (max(bound_s.values()) - first_s)


def waits_ms(
    created_s: Mapping[str, float], bound_s: Mapping[str, float], not_before_s: float
) -> tuple[float, float]:
    """Return the median and the 99th percentile of created -> bound, milliseconds.

    Parameters
    ----------
    created_s, bound_s
        By pod, on one clock.
    not_before_s
        Start of the scheduler: nobody waits for it before.
    """
    waits = [bound_s[name] - max(created_s[name], not_before_s) for name in bound_s]
    p50, p99 = np.percentile(waits, (50, 99)) * 1e3
    return float(p50), float(p99)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return the median, and least and most where there are several: ``310 (290-330)``.

    Nothing is an empty text.
    """
    if not values:
        return ""
    middle = f"{float(np.median(values)):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
