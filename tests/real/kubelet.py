"""Imitations of kubelets: they take the pods that are bound to their nodes, or refuse them.

What the real ones do with containers nobody does.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import requests

from tests.real.admission import Admission, Rejection
from tests.real.api import Object, Refused
from tests.real.control_plane import ControlPlane
from tests.real.history import Change, History

_WRITERS = 8
_STRATEGIC = "application/strategic-merge-patch+json"
_GONE = (requests.codes.not_found, requests.codes.conflict)
_READY = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


@dataclass(frozen=True, slots=True)
class Lost:
    """A pod that was bound and refused; `version` is that of its binding."""

    pod: Object
    version: int
    rejection: Rejection

    @property
    def scheduler(self) -> str:
        """Who bound it."""
        return str(self.pod["spec"]["schedulerName"])


class Kubelets:
    """One a node, for all nodes there are or come; at work while inside ``with``.

    They hear of bindings in the order these were carried out. A node is read when its first pod
    comes, and must not change any more.

    Parameters
    ----------
    control_plane
        Whose nodes.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._api = control_plane.account(control_plane.token)
        self._writers = ThreadPoolExecutor(_WRITERS)
        self._writes: list[Future[None]] = []
        self._nodes: dict[str, Admission] = {}
        self._judged: set[str] = set()
        self._unheard: dict[str, dict[str, Change]] = {}
        self._lock = threading.Lock()
        self.history = History(control_plane, self._hear)
        self.lost: list[Lost] = []

    def __enter__(self) -> Self:
        self.history.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.history.__exit__(kind, error, trace)
        finally:
            self._writers.shutdown()
            self._api.close()
        for write in self._writes:
            write.result()

    def silence(self, node: str) -> None:
        """Have a node's kubelet hear and say nothing any more."""
        with self._lock:
            self._unheard[node] = {}

    def wake(self, node: str) -> None:
        """Have it go on: it confirms deletions, and reports as running what it was left."""
        with self._lock:
            for change in self._unheard.pop(node).values():
                self._take(change)

    def free(self, resource: str) -> dict[str, int]:
        """Return what is left of a resource on each node that has had a pod; CPU in thousandths."""
        return {name: node.free(resource) for name, node in tuple(self._nodes.items())}

    def refusals(self) -> dict[str, int]:
        """Return how many pods were refused: ``{"custom-scheduler OutOfcpu": 3}``."""
        counts = Counter(f"{lost.scheduler} {lost.rejection.reason}" for lost in self.lost)
        return dict(sorted(counts.items()))

    def _hear(self, change: Change) -> None:
        if not change.node:
            return
        with self._lock:
            if change.node in self._unheard:
                self._unheard[change.node][change.uid] = change
            else:
                self._take(change)

    def _take(self, change: Change) -> None:
        node = self._node(change.node)
        if change.is_over:
            node.release(change.uid)
        elif change.uid not in self._judged:
            self._judged.add(change.uid)
            self._judge(node, change)
        elif node.has(change.uid) and _is_doubted(change.pod):
            self._report_running(change.pod)
        if change.pod["metadata"].get("deletionTimestamp") and not change.is_gone:
            self._carry_out(self._api.delete, _path(change.pod), gracePeriodSeconds="0")

    def _judge(self, node: Admission, change: Change) -> None:
        rejection = node.rejection(change.pod)
        if rejection is None:
            node.admit(change.pod)
            self._report_running(change.pod)
        else:
            self.lost.append(Lost(change.pod, change.version, rejection))
            message = f"Pod was rejected: {rejection.message}"
            said = {"phase": "Failed", "reason": rejection.reason, "message": message}
            self._report(change.pod, said)

    def _node(self, name: str) -> Admission:
        if name not in self._nodes:
            self._nodes[name] = Admission(self._api.get(f"/api/v1/nodes/{name}"))
        return self._nodes[name]

    def _report_running(self, pod: Object) -> None:
        conditions = [{"type": name, "status": "True"} for name in _READY]
        self._report(pod, {"phase": "Running", "conditions": conditions})

    def _report(self, pod: Object, status: Object) -> None:
        # The uid, so that it is never written of a later pod of that name.
        change = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        path = f"{_path(pod)}/status"
        self._carry_out(self._api.ask, "PATCH", path, change, content_type=_STRATEGIC)

    def _carry_out(self, write: Callable[..., object], *args: object, **options: str) -> None:
        self._writes.append(self._writers.submit(_attempt, partial(write, *args, **options)))


def _is_doubted(pod: Object) -> bool:
    """Whether the node controller has set a pod to not ready, as it does when its node is lost."""
    conditions = pod["status"].get("conditions", ())
    return any((one["type"], one["status"]) == ("Ready", "False") for one in conditions)


def _path(pod: Object) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


def _attempt(write: Callable[[], object]) -> None:
    """Write, unless the pod has gone."""
    try:
        write()
    except Refused as error:
        if error.status not in _GONE:
            raise
