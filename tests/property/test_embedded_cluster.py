"""Whatever is asked of the embedded cluster, in whatever order, these laws hold."""

from collections import Counter
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from simulator.change import JsonObject, ObjectKey, Refused, key_of, uid_of
from simulator.command import (
    Apply,
    Bind,
    Cordon,
    Create,
    Delete,
    Drain,
    FailNodes,
    RefuseBindings,
    ReturnNodes,
    Scale,
)
from simulator.demand import capacity
from simulator.state import Timing
from tests.simulated import Driven, deployment_object, node_object, pod_object

NODES = ("n1", "n2", "n3")
WORKLOADS = ("web", "db")
TIMING = Timing(node_grace_s=4, toleration_s=6, orphan_s=5, finished_pods=20)
LONGEST_S = 60.0
"""Longer than every delay of `TIMING` together."""

nodes = st.sampled_from(NODES)
workloads = st.sampled_from(WORKLOADS)


class AnyOrder(RuleBasedStateMachine):
    """Nodes fail and return, pods are bound anywhere, workloads come, change and go."""

    def __init__(self) -> None:
        super().__init__()
        self.driven = Driven(TIMING)
        self.bound: dict[str, str] = {}
        self.seen = 0

    @initialize()
    def begin(self) -> None:
        self.driven.nodes(*NODES, cpu="4")

    @rule(name=workloads, replicas=st.integers(0, 5), cpu=st.sampled_from(["500m", "1", "3"]))
    def apply_deployment(self, name: str, replicas: int, cpu: str) -> None:
        self.driven.do(Apply(deployment_object(name, replicas, cpu=cpu)))

    @rule(name=workloads, replicas=st.integers(0, 5))
    def scale(self, name: str, replicas: int) -> None:
        with suppress(Refused):
            self.driven.do(Scale(ObjectKey("Deployment", "default", name), replicas))

    @rule(name=workloads, orphan=st.booleans())
    def delete_deployment(self, name: str, *, orphan: bool) -> None:
        with suppress(Refused):
            self.driven.do(Delete(ObjectKey("Deployment", "default", name), orphan=orphan))

    @rule(name=st.sampled_from(["p1", "p2"]))
    def create_pod(self, name: str) -> None:
        with suppress(Refused):
            self.driven.do(Create(pod_object(name)))

    @precondition(lambda self: self.driven.pods())
    @rule(choice=st.data(), node=st.sampled_from([*NODES, "nowhere"]))
    def bind(self, choice: st.DataObject, node: str) -> None:
        pod = choice.draw(st.sampled_from(self.driven.pods()))
        with suppress(Refused):
            self.driven.do(Bind("default", key_of(pod).name, node, uid_of(pod)))

    @precondition(lambda self: self.driven.pods())
    @rule(choice=st.data(), grace_s=st.sampled_from([None, 0.0, 30.0]))
    def delete_pod(self, choice: st.DataObject, grace_s: float | None) -> None:
        pod = choice.draw(st.sampled_from(self.driven.pods()))
        self.driven.do(Delete(key_of(pod), grace_s=grace_s))

    @rule(node=nodes, ready=st.sampled_from(["Unknown", "False"]))
    def fail(self, node: str, ready: str) -> None:
        with suppress(Refused):
            self.driven.do(FailNodes((node,), "False" if ready == "False" else "Unknown"))

    @rule(node=nodes)
    def restore(self, node: str) -> None:
        with suppress(Refused):
            self.driven.do(ReturnNodes((node,)))

    @rule(node=nodes, is_closed=st.booleans())
    def cordon(self, node: str, *, is_closed: bool) -> None:
        with suppress(Refused):
            self.driven.do(Cordon(node, is_unschedulable=is_closed))

    @rule(node=nodes)
    def drain(self, node: str) -> None:
        with suppress(Refused):
            self.driven.do(Drain(node))

    @rule(node=nodes)
    def delete_node(self, node: str) -> None:
        with suppress(Refused):
            self.driven.do(Delete(ObjectKey("Node", "", node)))

    @rule(node=nodes)
    def create_node(self, node: str) -> None:
        with suppress(Refused):
            self.driven.do(Create(node_object(node)))

    @rule(share=st.sampled_from([0.0, 0.5]))
    def refuse(self, share: float) -> None:
        self.driven.do(RefuseBindings(share))

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.3, 1.0, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.driven.wait(seconds)

    @rule()
    def recover(self) -> None:
        """Bring all nodes back and open them: then every workload has its replicas."""
        self.driven.do(RefuseBindings(0))
        for node in NODES:
            with suppress(Refused):
                self.driven.do(Create(node_object(node)))
            self.driven.do(ReturnNodes((node,)), Cordon(node, is_unschedulable=False))
        self.driven.wait(LONGEST_S)
        for deployment in self.driven.cluster.all_of("Deployment"):
            self._check_replicas(deployment)

    def _check_replicas(self, deployment: JsonObject) -> None:
        """Pods that wait for a scheduler hold a rollout up, within its surge and no further."""
        sets = [
            s
            for s in self.driven.cluster.all_of("ReplicaSet")
            if any(o["uid"] == uid_of(deployment) for o in s["metadata"].get("ownerReferences", ()))
        ]
        uids = {uid_of(s) for s in sets}
        active = [
            p
            for p in self.driven.pods()
            if p["status"]["phase"] != "Failed"
            and "deletionTimestamp" not in p["metadata"]
            and any(o["uid"] in uids for o in p["metadata"].get("ownerReferences", ()))
        ]
        wanted = deployment["spec"]["replicas"]
        surge = 0 if len([s for s in sets if s["spec"]["replicas"]]) < 2 else -(-wanted // 4)
        assert wanted <= len(active) <= wanted + surge
        counted = Counter(p["metadata"]["ownerReferences"][0]["uid"] for p in active)
        assert dict(counted) == {
            uid_of(s): s["spec"]["replicas"] for s in sets if s["spec"]["replicas"]
        }

    @invariant()
    def versions_only_grow(self) -> None:
        versions = [change.version for change in self.driven.changes]
        assert versions == list(range(1, len(versions) + 1))

    @invariant()
    def no_pod_is_bound_twice(self) -> None:
        for change in self.driven.changes[self.seen :]:
            if change.key.kind == "Pod" and (node := change.object["spec"].get("nodeName")):
                assert self.bound.setdefault(uid_of(change.object), node) == node
        self.seen = len(self.driven.changes)

    @invariant()
    def no_kubelet_admits_more_than_its_node_holds(self) -> None:
        for node in self.driven.cluster.all_of("Node"):
            room = capacity(node)
            for name, used in self.driven.cluster.used_on(key_of(node).name).items():
                assert used <= room.get(name, 0)

    @invariant()
    def what_runs_was_admitted(self) -> None:
        running = Counter(p["spec"]["nodeName"] for p in self.driven.pods("Running"))
        for node, count in running.items():
            assert count <= self.driven.cluster.used_on(node)["pods"]

    @invariant()
    def the_change_log_alone_rebuilds_what_the_cluster_holds(self) -> None:
        held: dict[ObjectKey, JsonObject] = {}
        for change in self.driven.changes:
            if change.type == "DELETED":
                assert held.pop(change.key)
            else:
                assert (change.type == "ADDED") == (change.key not in held)
                held[change.key] = change.object
        now = {key_of(p): p for kind in ("Pod", "Node") for p in self.driven.cluster.all_of(kind)}
        assert {key: obj for key, obj in held.items() if key.kind in ("Pod", "Node")} == now

    @override
    def teardown(self) -> None:
        """Find what was handed out as it was."""
        assert [change.object for change in self.driven.changes] == self.driven.as_said


AnyOrder.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
test_the_laws_hold_in_any_order = AnyOrder.TestCase
