"""The heartbeats of nodes, as their kubelets keep them: a Lease that is renewed.

A kubelet renews it four times within its duration, which the setting `nodeLeaseDurationSeconds`
gives; conditions it writes only where they are others than they should be.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Self

from tests.real.api import Object
from tests.real.control_plane import ControlPlane
from tests.real.program import wait_until

BEAT_S = 1.0
"""As with `nodeLeaseDurationSeconds: 4`."""
_LOOK_ROUNDS = 2
"""So often a node looks at its conditions; what a kubelet calls nodeStatusUpdateFrequency."""
_WRITERS = 4
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_NODES = "/api/v1/nodes"
_GOOD = {
    "Ready": "True",
    "MemoryPressure": "False",
    "DiskPressure": "False",
    "PIDPressure": "False",
}
_STRATEGIC = "application/strategic-merge-patch+json"


class Heartbeats:
    """Of some nodes, while inside ``with``; begin before the nodes are made.

    Parameters
    ----------
    control_plane
        Whose nodes; it should run `controllers.NODE_DEATHS`.
    nodes
        Their names.
    """

    def __init__(self, control_plane: ControlPlane, nodes: Sequence[str]) -> None:
        self._api = control_plane.account(control_plane.token)
        self._nodes = tuple(nodes)
        self._silent: set[str] = set()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)
        self._fault: Exception | None = None
        self.rounds = 0
        self.longest_s = 0.0
        """The longest time from one round to the next."""

    def __enter__(self) -> Self:
        self._api.create_all(_LEASES, [_lease(node) for node in self._nodes])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        for node in self._nodes:
            self._api.delete(f"{_LEASES}/{node}")
        self._api.close()
        if self._fault is not None:
            raise self._fault

    def stop(self, node: str) -> None:
        """Have a node's heart stand still."""
        self._silent.add(node)

    def wait_rounds(self, count: int) -> None:
        """Wait until every node has beaten so many times more."""
        end = self.rounds + count + 1
        wait_until(lambda: self.rounds >= end or self._fault is not None, "the hearts beat")

    def resume(self, node: str) -> None:
        """Have it beat again, and the node say that it is well."""
        self._renew(node)
        self._silent.discard(node)
        self._report(node)

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(_WRITERS) as writers:
                began_s = time.monotonic()
                while not self._ends.wait(began_s + BEAT_S - time.monotonic()):
                    now_s = time.monotonic()
                    self.longest_s = max(self.longest_s, now_s - began_s)
                    began_s = now_s
                    self.rounds += 1
                    self._beat(writers)
        except Exception as error:  # noqa: BLE001 - raised again where the heartbeats are left
            self._fault = error

    def _beat(self, writers: ThreadPoolExecutor) -> None:
        list(writers.map(self._renew, [n for n in self._nodes if n not in self._silent]))
        if self.rounds % _LOOK_ROUNDS == 0:
            doubted = [n["metadata"]["name"] for n in self._api.items(_NODES) if not _is_ready(n)]
            list(writers.map(self._report, [n for n in doubted if n not in self._silent]))

    def _renew(self, node: str) -> None:
        self._api.patch(f"{_LEASES}/{node}", {"spec": {"renewTime": _now()}})

    def _report(self, node: str) -> None:
        conditions = [
            {"type": kind, "status": status, "reason": "Harness", "lastHeartbeatTime": _now()}
            | {"lastTransitionTime": _now()}
            for kind, status in _GOOD.items()
        ]
        said = {"status": {"conditions": conditions}}
        self._api.ask("PATCH", f"{_NODES}/{node}/status", said, content_type=_STRATEGIC)


def _is_ready(node: Object) -> bool:
    conditions = node["status"].get("conditions", ())
    return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)


def _lease(node: str) -> Object:
    # Without a first `renewTime` the node controller never takes a later one for a renewal.
    spec = {"leaseDurationSeconds": int(4 * BEAT_S), "renewTime": _now()}
    return {"metadata": {"name": node}, "spec": {"holderIdentity": node, **spec}}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
