"""The API server of an episode: the embedded cluster behind the few requests a scheduler sends.

It speaks JSON on its own: sharing the scheduler's reading would hide a shared mistake. Whatever it
carries out it writes down in its ledger, which is what pods are judged by in the end.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from simulator.change import Change, JsonObject, ObjectKey, Refused, key_of, uid_of
from simulator.cluster import EmbeddedCluster
from simulator.command import Bind, Command, Create, Delete, Patch, SetCondition, Update
from simulator.demand import capacity, pod_demand
from simulator.kinds import KINDS
from simulator.kubelet import is_finished
from simulator.state import Timing
from tests.faults.messages import Answer, Request, refusal

TIMING = Timing(node_grace_s=4.0, toleration_s=6.0, orphan_s=5.0)
"""Nodes are found dead, and their pods replaced, within seconds: episodes are short."""

_KIND_OF = {kind.plural: kind.name for kind in KINDS.values()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a kind, as a watch tells it; `name` is the object's."""

    version: int
    name: tuple[str, str]
    line: bytes


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding that was carried out.

    `process` is who sent it; `crowded` what the node is short of since, by all that is bound to it.
    """

    uid: str
    key: str
    node: str
    at_s: float
    process: str
    crowded: str


class ApiServer:
    """Carries out requests at once, in the order they arrive; who sends them waits elsewhere.

    Attributes
    ----------
    bindings
        All that were carried out.
    said
        Of each pod's uid, the reasons of the events about it.
    forgotten
        Of each kind, the version up to which changes were forgotten: who watches from before is
        told 410.
    """

    def __init__(self, seed: int) -> None:
        self.cluster = EmbeddedCluster(np.random.default_rng(seed), TIMING)
        self.bindings: list[Bound] = []
        self.said: dict[str, list[tuple[str, str]]] = {}
        self.forgotten: dict[str, int] = {}
        self._events: set[str] = set()
        self._logs: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        self._json: dict[ObjectKey, bytes] = {}
        self._followers: dict[str, list[Callable[[Entry], None]]] = {kind: [] for kind in KINDS}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._take(tuple(Change("ADDED", o) for o in self.cluster.all_of("Namespace")))

    # What happens in the cluster

    def do(self, command: Command) -> JsonObject | None:
        """Carry out a command now.

        Raises
        ------
        Refused
            As the embedded cluster says.
        """
        try:
            changes = self.cluster.apply(command, self._loop.time())
        except Refused:
            self._advance()
            raise
        written = self.cluster.written
        self._take(changes)
        return written

    def get(self, kind: str, name: str, namespace: str = "default") -> JsonObject | None:
        """Return an object of the cluster, or None."""
        is_wide = not KINDS[kind].is_namespaced
        return self.cluster.get(ObjectKey(kind, "" if is_wide else namespace, name))

    def json_of(self, obj: JsonObject) -> bytes:
        """Return an object as it is told."""
        return self._json[key_of(obj)]

    def forget_changes(self) -> None:
        """Compact: whoever resumes a watch from before now must list anew."""
        for kind in self._logs:
            self.forgotten[kind] = self.cluster.version
            self._logs[kind].clear()

    def bind(self, command: Bind, process: str) -> JsonObject | None:
        """Bind a pod and write it down. Raises Refused as the cluster says."""
        written = self.do(command)
        if written is not None:
            key = f"{command.namespace}/{command.name}"
            now_s, node = self._loop.time(), command.node
            crowd = self._crowd(node)
            self.bindings.append(Bound(uid_of(written), key, node, now_s, process, crowd))
        return written

    def _crowd(self, name: str) -> str:
        """Return what a node is short of with all pods that are bound to it, or nothing."""
        node = self.get("Node", name)
        used = Counter[str]()
        for pod in self.cluster.all_of("Pod"):
            if pod["spec"].get("nodeName") == name and not is_finished(pod):
                used.update(pod_demand(pod))
        has = capacity(node) if node is not None else used
        return ", ".join(sorted(what for what in used if used[what] > has.get(what, 0)))

    def _advance(self) -> None:
        self._take(self.cluster.advance(self._loop.time()))

    def _take(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            key = change.key
            obj = self._json[key] = msgspec.json.encode(change.object)
            line = b'{"type":"%b","object":%b}\n' % (change.type.encode(), obj)
            if change.type == "DELETED":
                del self._json[key]
            entry = Entry(change.version, (key.namespace, key.name), line)
            self._logs[key.kind].append(entry)
            for tell in tuple(self._followers[key.kind]):
                tell(entry)
        if self._timer is not None:
            self._timer.cancel()
        due_s = self.cluster.next_due_s()
        if due_s is not None:
            self._timer = self._loop.call_at(max(due_s, self._loop.time()), self._advance)

    # What is asked

    def follow(
        self, plural: str, version: int, tell: Callable[[Entry], None]
    ) -> Callable[[], None] | None:
        """Tell all changes after a version, those to come too; return how to end it.

        None where changes since were forgotten.
        """
        kind = _KIND_OF[plural]
        if version < self.forgotten.get(kind, 0):
            return None
        for entry in self._logs[kind]:
            if entry.version > version:
                tell(entry)
        followers = self._followers[kind]
        followers.append(tell)
        return lambda: followers.remove(tell)

    def bookmark(self, plural: str) -> bytes:
        """Return the line by which a watch tells the newest version."""
        metadata = {"resourceVersion": str(self.cluster.version)}
        obj = {"kind": _KIND_OF[plural], "metadata": metadata}
        return msgspec.json.encode({"type": "BOOKMARK", "object": obj}) + b"\n"

    def carry_out(self, request: Request) -> Answer:
        """Carry out a request and return the answer."""
        parts = request.path.strip("/").split("/")
        try:
            if request.method == "GET":
                return self._read(request, parts)
            return self._write(request, parts)
        except Refused as refused:
            return refusal(refused.code, refused.message)

    def _read(self, request: Request, parts: list[str]) -> Answer:
        if "leases" in parts:
            lease = self.cluster.get(ObjectKey("Lease", parts[-3], parts[-1]))
            if lease is None:
                return refusal(404, f'leases "{parts[-1]}" not found')
            return Answer(200, msgspec.json.encode(lease))
        kind = _KIND_OF.get(request.plural, "")
        if not kind:  # a kind of an add-on that is not installed
            return refusal(404, "the server could not find the requested resource")
        items = b",".join(self._json[key_of(obj)] for obj in self.cluster.all_of(kind))
        version = b'{"metadata":{"resourceVersion":"%d"},"items":[' % self.cluster.version
        return Answer(200, version + items + b"]}")

    def _write(self, request: Request, parts: list[str]) -> Answer:
        body = json.loads(request.body) if request.body else {}
        if request.path.endswith("/events"):
            return self._record(body)
        if "leases" in parts:
            lease = {**body, "kind": "Lease", "apiVersion": "coordination.k8s.io/v1"}
            lease["metadata"] = {**lease["metadata"], "namespace": parts[4]}
            return _written(self.do(Create(lease) if request.method == "POST" else Update(lease)))
        key, sub = _named(parts)
        deed = (request.method, sub)
        if deed == ("POST", "binding"):
            marks = tuple(sorted(body["metadata"]["annotations"].items()))
            uid, node = body["metadata"]["uid"], body["target"]["name"]
            bind = Bind(key.namespace, key.name, node, uid, marks)
            return _written(self.bind(bind, request.process))
        if deed in (("POST", "eviction"), ("DELETE", "")):
            options = body.get("deleteOptions", body)
            uid = options.get("preconditions", {}).get("uid", "")
            return _written(self.do(Delete(key, uid, options.get("gracePeriodSeconds"))))
        if request.method == "PATCH":
            self._check_uid(key, body)
            conditions = body.get("status", {}).get("conditions", ())
            deeds = [SetCondition(key, condition) for condition in conditions]
            return _written(
                self.do(deeds[0] if deeds else Patch(key, body, "status" if sub else ""))
            )
        return refusal(404, "the server could not find the requested resource")

    def _check_uid(self, key: ObjectKey, body: JsonObject) -> None:
        pod, uid = self.cluster.get(key), body["metadata"].pop("uid", "")
        if pod is not None and uid and uid_of(pod) != uid:
            raise Refused(422, "Invalid", "metadata.uid: Invalid value: field is immutable")

    def _record(self, body: JsonObject) -> Answer:
        name = body["metadata"]["name"]
        if name in self._events:
            return refusal(409, f'events "{name}" already exists')
        self._events.add(name)
        said = self.said.setdefault(body["regarding"].get("uid", ""), [])
        said.append((body["reason"], body["note"]))
        return Answer(201)


def _named(parts: list[str]) -> tuple[ObjectKey, str]:
    """Return what ``api/v1[/namespaces/x]/plural/name[/sub]`` names, and its subresource."""
    namespace, rest = (parts[3], parts[4:]) if parts[2] == "namespaces" else ("", parts[2:])
    return ObjectKey(_KIND_OF[rest[0]], namespace, rest[1]), "".join(rest[2:])


def _written(obj: JsonObject | None) -> Answer:
    return Answer(200, msgspec.json.encode(obj if obj is not None else {}))
