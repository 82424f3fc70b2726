"""What pods are to be made: numbers, ranges and shares, checked when they are put together."""

import math
from dataclasses import dataclass
from typing import Literal

from scheduler.domain.errors import InputError

MAX_PODS = 1_000_000
Arrival = Literal["batch", "poisson", "uniform"]
Topology = Literal["hostname", "zone"]

_LEAST_RATE = 0.0001
"""A pod in three hours."""

_HIGHEST_PRIORITY = 1_000_000_000
"""Above it are Kubernetes' own classes."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included; what is drawn between is a multiple of `step`."""

    low: int
    high: int
    step: int = 1

    def at(self, share: float) -> int:
        """Return the value at a share of the way, on a logarithmic scale.

        Small values are as likely as large ones this way: as many pods between 100m and 200m as
        between 1 and 2 CPUs.
        """
        if self.low == self.high:
            return self.low
        # A range from 0 has no logarithm: it is shifted by one step.
        low, high = self.low + self._shift, self.high + self._shift
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low))) - self._shift
        rounded = round(value / self.step) * self.step
        return min(max(rounded, self.low), self.high)

    @property
    def _shift(self) -> int:
        return 0 if self.low > 0 else self.step


@dataclass(frozen=True, slots=True)
class Mix:
    """The pods of an experiment.

    Parameters
    ----------
    number
        Of pods.
    seed
        Of everything random.
    image, namespace, scheduler_name
        Of every pod.
    prefix
        Names start with it.
    cpu_milli, memory_bytes
        Requests; one value for all pods of an app. A drawn 0 asks for nothing.
    app_size
        Pods of an app: alike in everything but their names.
    delays
        Share of the pods with a delay …
    references
        … to one of these, as ``to`` of the annotation has it …
    within_us
        … and its budget, microseconds.
    gangs, gang_size
        Share of the pods in gangs, and how many pods a gang has.
    anti_affinity, affinity
        Shares of the pods that must be apart from, or together with, the others of their app.
    topology
        By what they are apart or together.
    priorities
        Pairs of a priority and its weight; empty for no priority.
    arrival, rate
        How pods arrive, and how many a second.

    Raises
    ------
    InputError
        If a value is out of range, or values contradict each other; names the option.
    """

    number: int
    seed: int = 1
    image: str = "registry.k8s.io/pause:3.10"
    namespace: str = "default"
    scheduler_name: str = "custom-scheduler"
    prefix: str = "pod"
    cpu_milli: Range = Range(100, 2_000, 10)
    memory_bytes: Range = Range(64 << 20, 1 << 30, 1 << 20)
    app_size: Range = Range(1, 10)
    delays: float = 0.0
    references: tuple[str, ...] = ()
    within_us: Range = Range(5_000, 50_000, 100)
    gangs: float = 0.0
    gang_size: Range = Range(2, 8)
    anti_affinity: float = 0.0
    affinity: float = 0.0
    topology: Topology = "hostname"
    priorities: tuple[tuple[int, float], ...] = ()
    arrival: Arrival = "batch"
    rate: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_PODS:
            raise _wrong("--number", str(self.number), f"give a whole number from 1 to {MAX_PODS}")
        self._check_shares()
        self._check_gangs()
        if (self.delays > 0) != bool(self.references):
            fix = "give --delays SHARE together with --to REF or --nodes F, or none of them"
            what = "has nothing to measure from" if self.delays else "is missing"
            raise InputError("--delays", what, fix)
        if self.within_us.low <= 0:
            raise _wrong("--within", "0", "a delay is at least 0.001 ms, for example 5-50")
        self._check_priorities()
        self._check_arrival()

    def _check_shares(self) -> None:
        for name in ("delays", "gangs", "anti_affinity", "affinity"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                option = f"--{name.replace('_', '-')}"
                raise _wrong(option, f"{share:g}", "give a share between 0 and 1, for example 0.3")
        if self.anti_affinity + self.affinity > 1:
            what = "are more than all pods together"
            fix = "no app is both apart and together: let the shares add up to 1 at most"
            raise InputError("--anti-affinity and --affinity", what, fix)

    def _check_gangs(self) -> None:
        for option, size in (("--gang-size", self.gang_size), ("--app-size", self.app_size)):
            if size.low < 1:
                raise _wrong(option, f"{size.low}-{size.high}", "give sizes from 1, such as 2-8")
        if self.gangs > 0 and round(self.gangs * self.number) < self.gang_size.low:
            of = f"{self.gangs:g} of {self.number} pods is less than a gang of {self.gang_size.low}"
            raise InputError("--gangs", of, "give a larger share, more pods, or a smaller gang")

    def _check_priorities(self) -> None:
        for value, weight in self.priorities:
            if not -_HIGHEST_PRIORITY <= value <= _HIGHEST_PRIORITY:
                fix = f"give priorities between -{_HIGHEST_PRIORITY} and {_HIGHEST_PRIORITY}"
                raise _wrong("--priorities", str(value), fix)
            if not 0 < weight < math.inf:
                raise _wrong("--priorities", f"{value}:{weight:g}", "give weights above 0")
        if len({value for value, _ in self.priorities}) < len(self.priorities):
            raise InputError("--priorities", "has a priority twice", "give each once, as 0:70")

    def _check_arrival(self) -> None:
        if self.arrival == "batch":
            if self.rate is not None:
                fix = "leave it out, or give --arrival poisson or --arrival uniform"
                raise InputError("--rate", "has no effect on --arrival batch", fix)
        elif self.rate is None:
            fix = "say how many pods arrive in a second, for example --rate 10"
            raise InputError("--rate", f"is missing for --arrival {self.arrival}", fix)
        elif not _LEAST_RATE <= self.rate <= MAX_PODS:
            fix = f"give pods a second, from {_LEAST_RATE} to {MAX_PODS}"
            raise _wrong("--rate", f"{self.rate:g}", fix)


def _wrong(option: str, value: str, fix: str) -> InputError:
    return InputError(option, f"is {value}", fix)
