"""What one test sees of a control plane: a namespace of its own, and nodes that nobody else has."""

from collections.abc import Callable, Iterable, Sequence

from tests.real.api import Object, Refused
from tests.real.control_plane import ControlPlane
from tests.real.program import wait_until

_CONFLICT = 409


class Cluster:
    """A namespace, and all nodes. `remove` removes both.

    Parameters
    ----------
    control_plane
        Runs, with controllers.
    namespace
        Is made.
    """

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.control_plane, self.namespace = control_plane, namespace
        self.api = control_plane.admin
        self.path = f"/api/v1/namespaces/{namespace}"
        """Of the namespace, in the core group."""
        self.api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        # No pod is admitted without it. A controller makes it too, a little later.
        try:
            self.api.create(f"{self.path}/serviceaccounts", {"metadata": {"name": "default"}})
        except Refused as error:
            if error.status != _CONFLICT:
                raise

    def wait_until(self, claim: Callable[[], bool], what: str, *, within_s: float = 60.0) -> None:
        """Wait until a claim holds; `what` names it where it does not in time."""
        wait_until(claim, what, within_s=within_s)

    def add_nodes(self, nodes: Sequence[Object]) -> None:
        """Create nodes, with their status."""
        self.api.create_all("/api/v1/nodes", nodes)

    def delete_node(self, name: str) -> None:
        """Delete a node; what ran there stays, as no controller looks after it."""
        self.api.delete(f"/api/v1/nodes/{name}")

    def add_pods(self, pods: Sequence[Object]) -> None:
        """Create pods in the namespace."""
        self.api.create_all(f"{self.path}/pods", pods)

    def apply(self, manifests: Iterable[Object]) -> None:
        """Apply objects; those that name no namespace go into this one."""
        named = [
            {**one, "metadata": {"namespace": self.namespace, **one["metadata"]}}
            for one in manifests
        ]
        self.api.apply(named)

    def scale(self, deployment: str, replicas: int) -> None:
        """Set how many replicas a Deployment has."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{deployment}"
        self.api.patch(path, {"spec": {"replicas": replicas}})

    def pods(self) -> list[Object]:
        """Return the pods of the namespace."""
        return self.api.items(f"{self.path}/pods")

    def pod(self, name: str) -> Object:
        """Return one pod."""
        return self.api.get(f"{self.path}/pods/{name}")

    def delete_pod(self, name: str) -> None:
        """Delete a pod at once: there is no kubelet that would report its end."""
        self.api.delete(f"{self.path}/pods/{name}", gracePeriodSeconds="0")

    def bound(self) -> dict[str, str]:
        """Return pod name to node, of the pods that have one."""
        placed = {p["metadata"]["name"]: p["spec"].get("nodeName", "") for p in self.pods()}
        return {name: node for name, node in placed.items() if node}

    def wait_for_bound(self, count: int, *, within_s: float = 60.0) -> dict[str, str]:
        """Wait until so many pods have a node; return them as `bound` does."""
        self.wait_until(
            lambda: len(self.bound()) >= count, f"{count} pods are bound", within_s=within_s
        )
        return self.bound()

    def bind(self, pod: str, node: str) -> None:
        """Bind a pod as a scheduler does."""
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        binding = {"metadata": {"name": pod}, "target": target}
        self.api.create(f"{self.path}/pods/{pod}/binding", binding)

    def condition(self, pod: str) -> Object | None:
        """Return a pod's PodScheduled condition, if it has one."""
        conditions = self.pod(pod)["status"].get("conditions", [])
        return next((c for c in conditions if c["type"] == "PodScheduled"), None)

    def events(self, pod: str, reason: str) -> list[Object]:
        """Return the events about a pod with this reason, in the form of events.k8s.io."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        return self.api.items(path, fieldSelector=f"regarding.name={pod},reason={reason}")

    def remove(self) -> None:
        """Remove the nodes, the namespace, and the Lease of our schedulers."""
        self.control_plane.ensure_api_server()
        try:
            self.api.delete(f"/api/v1/namespaces/{self.namespace}")
        except Refused as error:
            if error.status != _CONFLICT:  # it is on its way out already
                raise
        self.api.delete("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/isochrone")
        self.wait_until(self._is_empty, "no node and no pod is left")

    def _is_empty(self) -> bool:
        """Delete what is there; pods may come until the namespace is known to be on its way out."""
        self.api.delete(f"{self.path}/pods", gracePeriodSeconds="0")
        self.api.delete("/api/v1/nodes")
        return not self.pods() and not self.api.items("/api/v1/nodes", limit="1")
