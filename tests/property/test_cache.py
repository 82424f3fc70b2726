"""Whatever happens, and however often it is told, the patched columns equal rebuilt ones."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
)
from scheduler.domain.node import Node
from scheduler.domain.object_events import PodGroupChanged, PodGroupDeleted
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.resources import resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, PodClass, Service
from scheduler.service.cache import Cache
from scheduler.service.pod_columns import PodState

NODES = ("a", "b", "c", "d")
NAMES = ("p", "q", "r", "s", "t")
CLASSES = tuple(
    PodClass(labels=(("app", str(k)),), requests=resources(requests))
    for k, requests in enumerate(
        ({"cpu": 100}, {"memory": 7}, {"cpu": 50, "example.com/gpu": 1}, {}, {"pods": 2})
    )
)


GROUPS = tuple(
    GroupRef(api, "default", name)
    for api in (GroupApi.COSCHEDULING, GroupApi.NATIVE)
    for name in ("g", "h")
)


def node_of(name: str, cpu: int, domain: str, *, is_ready: bool, is_unlimited: bool) -> Node:
    labels = {"topology.kubernetes.io/zone": domain} if domain else {}
    amounts = {"cpu": cpu, "pods": 10}
    return Node(name, amounts, labels, is_ready=is_ready, is_unlimited=is_unlimited)


nodes = st.builds(
    node_of,
    st.sampled_from(NODES),
    st.integers(0, 3).map(lambda k: 500 * k),
    st.sampled_from(("", "east", "west")),
    is_ready=st.booleans(),
    is_unlimited=st.booleans(),
)


def described(snapshot: ClusterSnapshot) -> object:
    """Return a snapshot's meaning, whatever the order of its rows and however many columns."""
    table = snapshot.nodes
    rows = {}
    for i, node in enumerate(table.nodes):
        assert table.index[node.name] == i
        assert table.is_ready[i] == node.is_ready
        domain = table.domain_names[table.domain[i]] if table.domain[i] >= 0 else ""
        amounts = {
            name: (int(table.allocatable[i, k]), int(table.requested[i, k]))
            for k, name in enumerate(table.resources)
        }
        plain = {name: pair for name, pair in amounts.items() if pair != (0, 0)}
        if node.is_unlimited:  # each column the table happens to have is without limit
            plain = {n: p for n, p in plain.items() if p[1] or n in node.allocatable}
        rows[node.name] = (node, domain, plain)
    placed = snapshot.placed
    assert np.array_equal(np.unique(placed.class_of), np.arange(len(placed.classes)))
    pods = {
        pod.key: (
            pod,
            table.nodes[at].name if (at := int(placed.node_of[k])) >= 0 else None,
            placed.classes[placed.class_of[k]],
            bool(placed.is_terminating[k]),
        )
        for k, pod in enumerate(placed.pods)
    }
    assert len(pods) == len(placed.pods)
    is_sorted = list(table.resources) == sorted(table.resources)
    return rows, pods, set(snapshot.services), dict(snapshot.groups), is_sorted


def forget_some(known: dict[Any, Any], keys: list[Any], data: st.DataObject) -> None:
    """Let some of what is known be gone."""
    for key in keys:
        if data.draw(st.integers(0, 3)) == 0:
            del known[key]


class CacheMachine(RuleBasedStateMachine):
    """The cache beside a model that keeps plain objects."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.cache.begin_listing()
        self.cache.apply(Listed())
        self.nodes: dict[str, Node] = {}
        self.pods: dict[str, PodChanged] = {}
        self.assumed: dict[str, str] = {}
        self.services: dict[str, Service] = {}
        self.groups: dict[GroupRef, PodGroup] = {}
        self.uid = 0

    def tell(self, event: ClusterEvent) -> None:
        """Tell the cache twice: the second time must change nothing."""
        self.cache.apply(event)
        self.cache.apply(event)  # told twice, it changes nothing

    @rule(node=nodes)
    def change_node(self, node: Node) -> None:
        """Add or change a node."""
        self.nodes[node.name] = node
        self.tell(NodeChanged(node))

    @rule(name=st.sampled_from(NODES))
    def delete_node(self, name: str) -> None:
        """Delete a node, known or not; its pods stay known."""
        self.nodes.pop(name, None)
        self.tell(NodeDeleted(name))

    @rule(
        name=st.sampled_from(NAMES),
        pod_class=st.sampled_from(CLASSES),
        node=st.sampled_from(("", *NODES)),
    )
    def create_pod(self, name: str, pod_class: PodClass, node: str) -> None:
        """Create a pod, also under a name whose deletion was never told."""
        self.uid += 1
        event = PodChanged(
            Pod(name, pod_class, uid=str(self.uid)), node, "Pending", is_terminating=False
        )
        self.assumed.pop(event.pod.key, None)
        self.pods[event.pod.key] = event
        self.tell(event)

    @precondition(lambda self: self.pods)
    @rule(data=st.data())
    def change_pod(self, data: st.DataObject) -> None:
        """Change what a pod asks for; perhaps end it."""
        event = self.pods[data.draw(st.sampled_from(sorted(self.pods)))]
        if event.phase == "Failed":
            return
        changed = replace(
            event, pod=replace(event.pod, pod_class=data.draw(st.sampled_from(CLASSES)))
        )
        if data.draw(st.booleans()):
            changed = replace(changed, is_terminating=True)
        if data.draw(st.integers(0, 3)) == 0:
            changed = replace(changed, phase="Failed")
            self.assumed.pop(event.pod.key, None)
        self.pods[event.pod.key] = changed
        self.tell(changed)

    @precondition(lambda self: self.pods)
    @rule(data=st.data(), node=st.sampled_from(NODES))
    def bind_pod(self, data: st.DataObject, node: str) -> None:
        """Bind an unbound pod, where we assumed it or elsewhere."""
        event = self.pods[data.draw(st.sampled_from(sorted(self.pods)))]
        if event.node or event.phase == "Failed":
            return
        self.assumed.pop(event.pod.key, None)
        self.pods[event.pod.key] = replace(event, node=node)
        self.tell(self.pods[event.pod.key])

    @precondition(lambda self: self.pods)
    @rule(data=st.data())
    def assume_or_forget(self, data: st.DataObject) -> None:
        """Assume a pending pod, or take the assumption back."""
        event = self.pods[data.draw(st.sampled_from(sorted(self.pods)))]
        key = event.pod.key
        if key in self.assumed:
            del self.assumed[key]
            self.cache.pods.forget(event.pod)
            self.cache.pods.forget(event.pod)
        elif not event.node and event.phase != "Failed" and self.nodes:
            node = data.draw(st.sampled_from(sorted(self.nodes)))
            self.cache.pods.assume(event.pod, node)
            self.assumed[key] = node

    @precondition(lambda self: self.pods)
    @rule(data=st.data())
    def delete_pod(self, data: st.DataObject) -> None:
        """Delete a pod."""
        key = data.draw(st.sampled_from(sorted(self.pods)))
        gone = self.pods.pop(key)
        self.assumed.pop(key, None)
        self.tell(PodDeleted(key, gone.pod.uid))

    @rule(key=st.sampled_from(("default/p", "default/x")))
    def delete_a_pod_of_another_uid(self, key: str) -> None:
        """Tell of the end of a pod that is not the one we know."""
        self.tell(PodDeleted(key, "never seen"))

    @rule(name=st.sampled_from(("x", "y")), app=st.sampled_from(("0", "1")))
    def change_service(self, name: str, app: str) -> None:
        """Add or change a Service."""
        self.services[name] = Service("default", name, (("app", app),))
        self.tell(ServiceChanged(self.services[name]))

    @rule(ref=st.sampled_from(GROUPS), least=st.integers(1, 3))
    def change_group(self, ref: GroupRef, least: int) -> None:
        """Add or change a pod group; another API may have one of that name."""
        self.groups[ref] = PodGroup(ref, least)
        self.tell(PodGroupChanged(self.groups[ref]))

    @rule(ref=st.sampled_from(GROUPS))
    def delete_group(self, ref: GroupRef) -> None:
        """Delete a pod group, known or not."""
        self.groups.pop(ref, None)
        self.tell(PodGroupDeleted(ref))

    @rule(data=st.data())
    def list_anew(self, data: st.DataObject) -> None:
        """Break the watch, let some things go unseen, then tell the new list."""
        for known in (self.nodes, self.pods, self.services):
            forget_some(known, sorted(known), data)
        forget_some(self.groups, list(self.groups), data)
        self.assumed = {key: node for key, node in self.assumed.items() if key in self.pods}
        self.cache.begin_listing()
        listed: list[ClusterEvent] = [
            *map(NodeChanged, self.nodes.values()),
            *self.pods.values(),
            *map(ServiceChanged, self.services.values()),
            *map(PodGroupChanged, self.groups.values()),
        ]
        for event in (*listed, Listed()):
            self.cache.apply(event)

    @invariant()
    def the_patched_columns_equal_rebuilt_ones(self) -> None:
        """Hold the cache against a snapshot built from plain objects."""
        placed = []
        terminating = set()
        for key, event in self.pods.items():
            node = event.node or self.assumed.get(key, "")
            if node and event.phase != "Failed":
                placed.append((event.pod, node))
                if event.is_terminating:
                    terminating.add(key)
        rebuilt = build_snapshot(
            list(self.nodes.values()),
            (),
            placed=placed,
            terminating=frozenset(terminating),
            services=list(self.services.values()),
            groups=list(self.groups.values()),
        )
        assert described(self.cache.freeze((), 0.0)) == described(rebuilt)

    @invariant()
    def every_unbound_pod_is_pending_or_assumed(self) -> None:
        """Hold each record against the model."""
        for key, event in self.pods.items():
            record = self.cache.pods.get(key)
            assert record is not None
            if not event.node and event.phase != "Failed":
                is_assumed = record.state is PodState.ASSUMED
                assert is_assumed == (key in self.assumed)


TestCache = CacheMachine.TestCase
TestCache.settings = settings(max_examples=60, stateful_step_count=30)
