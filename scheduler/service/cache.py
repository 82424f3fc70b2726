"""All that is known of the cluster, fed by events; its pods also by our own decisions."""

from collections.abc import Iterable, Mapping, Sequence

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    Lost,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
    Unlisted,
    Unreadable,
)
from scheduler.domain.delay import Reference
from scheduler.domain.node import Node
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, Service
from scheduler.domain.zone import ZoneTree
from scheduler.reliability.health import is_dead
from scheduler.service.kept_places import KeptPlaces
from scheduler.service.listing import Listing
from scheduler.service.node_columns import NodeColumns
from scheduler.service.object_tables import ObjectEvent, ObjectTables, deleted, key_of
from scheduler.service.placeholder_book import PlaceholderBook
from scheduler.service.pod_book import PodBook
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.service_table import ServiceTable
from scheduler.service.wake import (
    NodeAdded,
    NodeRemoved,
    NodeUpdated,
    RoomFreed,
    Wake,
    WakeAll,
    node_changes,
)
from telemetry.model import RttTable, empty_rtt


class Cache:
    """The cluster as the events tell it, columns ready to be frozen.

    `placeholders` knows which pods are placeholders; without it none is.
    """

    def __init__(self, placeholders: PlaceholderBook | None = None) -> None:
        self.placeholders = PlaceholderBook() if placeholders is None else placeholders
        self.zones = ZoneTree()
        self.rtt: RttTable = empty_rtt()
        self._nodes = NodeColumns()
        self._services = ServiceTable()
        self._listing = Listing()
        self._objects = ObjectTables()
        self.storage = self._objects.storage
        self.unlisted: dict[str, str] = {}
        self._node_version = 0
        namespaces = self._objects.namespaces.freeze
        self.pods = PodBook(self._nodes, self._services, self._listing, namespaces)
        self.kept = KeptPlaces(self.pods, self._nodes)

    # What is known

    @property
    def is_synced(self) -> bool:
        """Whether a list is complete and no newer one is under way."""
        return self._listing.is_complete

    @property
    def version(self) -> tuple[object, ...]:
        """What tells one state of nodes, placed pods and RTTs from another."""
        return self._node_version, self.pods.version, id(self.rtt), id(self.zones)

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes."""
        return self._nodes.nodes

    @property
    def marks(self) -> Mapping[str, str]:
        """By node, the key of the taint that only decisions see."""
        return self._nodes.marks

    def node(self, name: str) -> Node | None:
        """Return a node, or None."""
        return self._nodes.get(name)

    def has_room(self, pod: Pod, node: str) -> bool:
        """Whether a pod fits on a node now."""
        row = self._nodes.index.get(node)
        return row is not None and self._nodes.has_room(row, pod.pod_class)

    def holds(self, pod: Pod, node: str) -> bool:
        """Whether a node has room for all it is charged with, of what a placed pod takes of it."""
        row = self._nodes.index.get(node)
        return row is not None and self._nodes.holds(row, pod.pod_class)

    def room(self, node: str) -> Mapping[str, int] | None:
        """Return what is left of each resource on a node, or None for one that is not known."""
        room = self._nodes.room(node)
        return None if room is None else room.free

    def renewed_room(self, node: str) -> list[Wake]:
        """Return whom the room of a node may help that decisions had counted as taken till now."""
        room = self._nodes.room(node)
        return [RoomFreed(room, None, "AssignedPodAdd")] if room is not None else []

    def service(self, namespace: str, name: str) -> Service | None:
        """Return a Service, or None."""
        return self._services.get(namespace, name)

    def goes_by(self, pod: Pod, reference: Reference) -> bool:
        """Whether a delay that is measured from a reference may mean this pod."""
        is_near = pod.namespace == reference.namespace
        return is_near and reference.name in self._services.aliases(pod)

    def freeze(
        self, pending: Iterable[Pod], now_s: float, held: Iterable[Pod] = ()
    ) -> ClusterSnapshot:
        """Return a snapshot to decide on `pending`.

        Parameters
        ----------
        pending
            In the queue's order.
        now_s
            Wall-clock seconds, the clock that pods' creation times are read from.
        held
            Known pods that are unplaced and not up for decision.
        """
        pods = tuple(pending)
        for pod in pods:
            self._nodes.name_class(pod.pod_class)
        placed = self.pods.freeze()
        renounced = self.pods.take_renounced()
        return ClusterSnapshot(
            nodes=self._nodes.freeze(),
            placed=placed,
            pending=pods,
            held=tuple(held),
            lost=self.kept.lost.freeze(now_s, placed.replaced, renounced),
            moving=self.kept.moving.freeze(now_s, placed.replaced, renounced),
            services=self._services.freeze(),
            groups=self._objects.groups.freeze(),
            namespaces=self._objects.namespaces.freeze(),
            storage=self.storage.freeze(),
            rtt=self.rtt,
            zones=self.zones,
            now_s=now_s,
        )

    # What the cluster says

    def begin_listing(self) -> None:
        """Expect a full list: what it does not name by `Listed` is gone."""
        self._listing.begin()

    def lose_sync(self) -> None:
        """Take note that nobody follows the changes any more."""
        self._listing.is_complete = False

    def apply(self, event: ClusterEvent) -> list[Wake]:  # noqa: C901 - a flat table of events
        """Take in one event and return whom it may help. Repeating an event changes nothing."""
        wakes: list[Wake] = []
        match event:
            case NodeChanged(node):
                wakes = self._put_node(node)
            case NodeDeleted(name):
                wakes = self._drop_node(name)
            case PodChanged():
                wakes = self._put_pod(event)
            case PodDeleted(key, uid):
                wakes = self._drop_pod(key, uid)
            case ServiceChanged(service):
                self._listing.saw_service((service.namespace, service.name))
                wakes = self._services.put(event)
            case ServiceDeleted():
                wakes = self._services.drop(event)
            case StorageChanged() | StorageDeleted() | NamespaceChanged() | NamespaceDeleted():
                wakes = self._take_object(event)
            case PodGroupChanged() | PodGroupDeleted():
                wakes = self._take_object(event)
            case Unlisted():
                wakes = self._note_unlisted(event)
            case Listed():
                wakes = self._replace()
            case Lost():
                self.lose_sync()
            case Unreadable():
                pass
        return wakes

    def set_rtt(self, rtt: RttTable) -> list[Wake]:
        """Take over a new RTT table."""
        change = RttChanged(self.rtt, rtt, self._nodes.index)
        self.rtt = rtt
        return [change]

    # Nodes

    def mark(self, name: str, key: str) -> bool:
        """Have decisions see a taint of that key on a node, none for ""; return whether new."""
        is_new = self._nodes.mark(name, key)
        self._node_version += is_new
        return is_new

    def _put_node(self, node: Node) -> list[Wake]:
        self._listing.saw_node(node.name)
        known = self._nodes.get(node.name)
        if known == node:
            return []
        if not is_dead(node):
            self.kept.lost.node_is_back(node.name)
        self._nodes.put(node)
        self._node_version += 1
        if known is None:
            return [NodeAdded(node), *self.pods.settle_on(node.name)]
        if is_dead(known) and not is_dead(node):
            return [WakeAll("NodeIsBack")]  # what was promised to its pods is free, on any node
        changes, room = node_changes(known, node), self._nodes.room(node.name)
        if not changes or room is None:
            return []
        return [NodeUpdated(known, node, room, changes)]

    def _drop_node(self, name: str) -> list[Wake]:
        node = self._nodes.get(name)
        if node is None:
            return []
        moved = self._nodes.remove(name)
        self._node_version += 1
        wakes = [NodeRemoved(node), *self.pods.strand(name)]
        if moved is not None:
            row, moved_name = moved
            self.pods.follow(moved_name, row)
        return wakes

    # Pods

    def _put_pod(self, event: PodChanged) -> list[Wake]:
        pod, known = event.pod, self.pods.get(event.pod.key)
        if not self.placeholders.takes(pod):
            self.placeholders.drop(pod.key, self.placeholders.uid_of(pod.key))
            return self.pods.put(event)
        self._listing.saw_pod(pod.key)
        self.placeholders.put(event)
        return self.pods.drop(pod.key, known.pod.uid) if known is not None else []

    def _drop_pod(self, key: str, uid: str) -> list[Wake]:
        if key in self.placeholders:
            self.placeholders.drop(key, uid)
            return []
        self.kept.leaves(key, uid)
        return self.pods.drop(key, uid)

    # Storage, namespaces and pod groups

    def _take_object(self, event: ObjectEvent) -> list[Wake]:
        key = key_of(event)
        if key is not None:
            self._listing.saw_object(key)
        return self._objects.take(event)

    def _note_unlisted(self, event: Unlisted) -> list[Wake]:
        if event.why:
            self.unlisted[event.plural] = event.why
            return []
        was_unlisted = self.unlisted.pop(event.plural, None) is not None
        return [WakeAll("KindListed")] if was_unlisted else []

    # Lists

    def _replace(self) -> list[Wake]:
        """Drop what the list that is now complete did not name."""
        pods = {key: record.pod.uid for key, record in self.pods.records.items()}
        pods |= {key: one.pod.uid for key, one in self.placeholders.known().items()}
        objects = list(self._objects.known())
        gone = self._listing.finish(self._nodes.index, pods, self._services.known, objects)
        wakes: list[Wake] = []
        for key in gone.pods:
            wakes += self._drop_pod(key, pods[key])
        for name in gone.nodes:
            wakes += self._drop_node(name)
        for namespace, name in gone.services:
            wakes += self._services.drop(ServiceDeleted(namespace, name))
        for one in gone.objects:
            wakes += self._take_object(deleted(one))
        return wakes
