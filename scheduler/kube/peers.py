"""Who is where: `telemetry.ports.PeerDirectory`, from what the reflectors read anyway.

Nodes and pods pass by here on their way to the cache. Of pods, only those whose text holds the
label that is looked for are read: at 150,000 pods, all others must cost next to nothing.
"""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from scheduler.kube.kinds import Metadata
from scheduler.kube.measuring_pods import PodGroup, Sighting, sighted
from scheduler.kube.places import Places, places
from telemetry.agent.wire import node_key
from telemetry.ports import Directory, MeasuringPod


class _Address(msgspec.Struct, gc=False):
    address: str = ""


class _Status(msgspec.Struct):
    addresses: list[_Address] | None = None


class _Node(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


_NODE = msgspec.json.Decoder(_Node)


class ClusterDirectory:
    """Knows the nodes' addresses, the agents and the exporters of a cluster.

    Of several pods of a group on one node the newest counts: the one before it is being replaced.

    Parameters
    ----------
    agents
        Which pods are agents; None where there are none.
    exporters
        Groups of pods that measure for others, by name.
    told
        Takes a sentence about what is wrong in the cluster, once for as long as it lasts.
    key_of
        What stands for a node in reports.
    """

    def __init__(
        self,
        agents: PodGroup | None,
        exporters: Mapping[str, PodGroup],
        told: Callable[[str], None] = lambda _what: None,
        *,
        key_of: Callable[[str], int] = node_key,
    ) -> None:
        self._agents, self._exporters, self._told = agents, dict(exporters), told
        self._key_of = key_of
        self._groups = [*([agents] if agents is not None else []), *exporters.values()]
        self._needles = tuple({group.needle for group in self._groups})
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._sightings: dict[tuple[str, str], Sighting] = {}
        self._places: Places | None = None
        self._is_listed = self._has_changed = False
        self._current = Directory()
        self._next = asyncio.Event()
        self._problems: frozenset[str] = frozenset()

    @property
    def current(self) -> Directory:
        """Who is where now; as it was last, while everything is listed."""
        if self._has_changed and self._is_listed:
            self._has_changed = False
            self._current = self._built(self._current.version + 1)
        return self._current

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._next.wait()

    # For whoever follows the cluster

    def begin(self) -> None:
        """Take note that everything will be told anew: what is not told is gone."""
        self._addresses.clear()
        self._sightings.clear()
        self._places, self._is_listed = None, False

    def is_whole(self) -> None:
        """Take note that everything there is was told."""
        if not self._is_listed:
            self._is_listed = True
            self._change()

    def see_node(self, metadata: Metadata, obj: bytes) -> None:
        """Take in a node, as JSON; nothing for one that is gone."""
        name = metadata.name
        if not obj:
            found = None
        else:
            try:
                listed = _NODE.decode(obj).status.addresses or ()
            except (msgspec.DecodeError, UnicodeDecodeError):
                listed = ()  # it is a node still, and its name is known
            found = tuple(one.address for one in listed if one.address)
        if found == self._addresses.get(name):
            return
        if found is None:
            del self._addresses[name]
        else:
            self._addresses[name] = found
        self._places = None
        self._change()

    def see_pod(self, metadata: Metadata, obj: bytes) -> None:
        """Take in a pod, as JSON; nothing for one that is gone."""
        key = (metadata.namespace, metadata.name)
        found = None
        here = _labels(obj)
        for needle in self._needles:
            if needle in here:
                found = sighted(obj, self._groups)
                break
        if found == self._sightings.get(key):
            return
        if found is None:
            del self._sightings[key]
        else:
            self._sightings[key] = found
        self._change()

    # How it is found

    def _change(self) -> None:
        self._has_changed = True
        if self._is_listed:
            self._next.set()
            self._next = asyncio.Event()

    def _built(self, version: int) -> Directory:
        known = self._places
        if known is None:
            known = self._places = places(self._addresses, self._key_of)
            for problem in sorted(known.problems - self._problems):
                self._told(problem)
            self._problems = known.problems
        agents = {} if self._agents is None else self._newest(self._agents)
        exporters = {
            name: tuple(pod for _, pod in sorted(self._newest(group).items()))
            for name, group in self._exporters.items()
        }
        return Directory(version, known.nodes, known.node_of, agents, exporters)

    def _newest(self, group: PodGroup) -> dict[str, MeasuringPod]:
        """Return the newest pod of a group by node."""
        newest: dict[str, Sighting] = {}
        for one in self._sightings.values():
            if group in one.groups:
                before = newest.get(one.pod.node)
                if before is None or before.age_order < one.age_order:
                    newest[one.pod.node] = one
        return {node: one.pod for node, one in newest.items()}


def _labels(obj: bytes) -> bytes:
    """Return the part of a pod's JSON in which its labels stand; all of it where they are not seen.

    They stand in front, ahead of all that is long, and hold no brace.
    """
    start = obj.find(b'"labels":{')
    return obj[start : obj.find(b"}", start)] if start >= 0 else obj
