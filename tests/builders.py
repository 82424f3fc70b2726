"""Tiny builders of valid objects; a test says only what it is about."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference, ReferenceKind
from scheduler.domain.node import Node, Taint
from scheduler.domain.resources import CPU, PODS, resources
from scheduler.domain.workload import Pod, PodClass, WorkloadRef
from telemetry.model import RttMatrix


def node(  # noqa: PLR0913 - each a field a test may be about
    name: str,
    *,
    cpu_milli: int = 4_000,
    pods: int = 110,
    labels: dict[str, str] | None = None,
    taints: tuple[Taint, ...] = (),
    is_ready: bool = True,
    is_unschedulable: bool = False,
) -> Node:
    """Return a ready node with room."""
    return Node(
        name=name,
        allocatable={CPU: cpu_milli, PODS: pods},
        labels=labels or {},
        taints=taints,
        is_ready=is_ready,
        is_unschedulable=is_unschedulable,
    )


def cloud_node(name: str, *, cpu_milli: int = 64_000) -> Node:
    """Return a node with the cloud role."""
    return node(name, cpu_milli=cpu_milli, labels={"kubernetes.io/role": "cloud"})


def pod(name: str, *, cpu_milli: int = 100, **spec: object) -> Pod:
    """Return a pod; `spec` holds fields of its class."""
    plain = PodClass(requests=resources({CPU: cpu_milli}))
    return Pod(name, replace(plain, **spec))  # type: ignore[arg-type] # fields by name, for tests


def workload(name: str, kind: str = "Deployment", namespace: str = "default") -> WorkloadRef:
    """Return the top controller of some pods."""
    return WorkloadRef(kind, namespace, name)


def within(
    ms: float,
    to: str,
    *,
    kind: ReferenceKind = "auto",
    namespace: str = "default",
    of: Quantifier | None = None,
    is_soft: bool = False,
) -> DelayConstraint:
    """Return a budget of `ms` milliseconds to what is named `to`."""
    return DelayConstraint(Reference(kind, to, namespace), round(ms * 1000), of, is_soft)


def rtt_ms(names: Sequence[str], rows: Sequence[Sequence[float]]) -> RttMatrix:
    """Return a matrix from rows in milliseconds; -1 for a pair that is not known."""
    values = np.array(rows, dtype=np.float64)
    known = np.where(values < 0, -1, np.rint(values * 1000))
    return RttMatrix(tuple(names), known.astype(np.int32), "test")


def line_rtt(names: Sequence[str], step_ms: float = 1.0) -> RttMatrix:
    """Return the RTTs of nodes on a line, each `step_ms` from the next."""
    at = np.arange(len(names)) * step_ms
    return rtt_ms(names, np.abs(at[:, None] - at[None, :]).tolist())
