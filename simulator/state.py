"""The state of the embedded cluster that its API server, controllers and kubelets share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from simulator.agenda import Agenda, Due, Task
from simulator.change import (
    Change,
    JsonObject,
    ObjectKey,
    Refused,
    conflict,
    key_of,
    not_found,
    uid_of,
)
from simulator.store import Store, is_same_object

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds. Defaults are Kubernetes' own where it has one."""

    controller_s: float = 0.05
    """From a change to the controller that acts on it."""

    admit_s: float = 0.05
    """From a binding to the kubelet that admits the pod."""

    start_s: float = 1.0
    """From admission to running containers."""

    stop_s: float = 1.0
    """From a deletion to stopped containers; never longer than the pod's grace period."""

    node_grace_s: float = 40.0
    """``--node-monitor-grace-period`` before 1.32 (50 s since)."""

    toleration_s: float = 300.0
    """``--default-not-ready-toleration-seconds``, and its twin for unreachable nodes."""

    orphan_s: float = 40.0
    """How long a pod may stay on a node that does not exist (pod garbage collector)."""

    event_ttl_s: float = 3600.0
    """``--event-ttl``."""

    finished_pods: int = 500
    """Failed pods kept for people to look at; the oldest go first. Kubernetes keeps 12,500
    (``--terminated-pod-gc-threshold``), more than a demo's page should list."""


@dataclass(slots=True)
class State:
    """Everything that decides how the cluster goes on.

    `stopped` holds the nodes whose kubelet does not work, with the Ready status it leaves.
    `admitted` is the kubelets' ledger: what each pod on a node takes, by uid.
    """

    store: Store
    rng: np.random.Generator
    timing: Timing
    epoch: datetime = EPOCH
    now_s: float = 0.0
    agenda: Agenda = field(default_factory=Agenda)
    log: list[Change] = field(default_factory=list)
    stopped: dict[str, Literal["Unknown", "False"]] = field(default_factory=dict)
    admitted: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    tainted_s: dict[tuple[str, str, str], float] = field(default_factory=dict)
    event_seen_s: dict[str, float] = field(default_factory=dict)
    finished: dict[ObjectKey, None] = field(default_factory=dict)
    refuse_share: float = 0.0
    addresses: int = 0

    def stamp(self, after_s: float = 0.0) -> str:
        """Return the present time, or one after it, as the API writes it: to the second."""
        time = self.epoch + timedelta(seconds=self.now_s + after_s)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ")

    def put(self, obj: JsonObject) -> JsonObject:
        """Store an object and log the change, if it is one; return what is stored now."""
        change = self.store.put(obj, self.stamp())
        if change is None:
            stored = self.store.get(key_of(obj))
            return stored if stored is not None else obj
        self.log.append(change)
        return change.object

    def remove(self, key: ObjectKey) -> None:
        """Take an object out and log it."""
        self.log.append(self.store.remove(key))

    def need(self, key: ObjectKey, uid: str = "") -> JsonObject:
        """Return an object that a command names.

        Raises
        ------
        Refused
            404 if it does not exist, 409 if it is not the one with `uid`.
        """
        obj = self.store.get(key)
        if obj is None:
            raise not_found(key)
        if uid and not is_same_object(obj, uid):
            raise conflict(
                key,
                f"the UID in the precondition ({uid}) does not match the UID in record "
                f"({uid_of(obj)}). The object might have been deleted and then recreated",
            )
        return obj

    def after(self, delay_s: float, task: Task, key: ObjectKey, uid: str = "") -> None:
        """Put something on the agenda."""
        self.agenda.add(self.now_s + delay_s, Due(task, key, uid))


def refuse_bad_number(name: str, value: float, largest: float) -> None:
    """Refuse a number outside 0 … `largest`."""
    if not 0 <= value <= largest:
        raise Refused(422, "Invalid", f"{name} must lie between 0 and {largest:g}, not {value:g}")
