"""The objects of the embedded cluster, with the bookkeeping an API server does.

Objects are replaced, never changed in place: what a change log or a watcher holds stays as it was.
"""

import json
from collections.abc import Iterable, Iterator

import numpy as np

from simulator.change import Change, ChangeType, JsonObject, ObjectKey, conflict, key_of, uid_of
from simulator.kinds import KINDS

_SERVER_FIELDS = ("uid", "creationTimestamp", "resourceVersion", "generation")
_NOBODY = ""  # as the owner of what controllers may adopt
_ADOPTED = ("Pod", "ReplicaSet")


class Store:
    """Objects by key, indexed by owner and by node.

    Parameters
    ----------
    rng
        Draws uids and name suffixes.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._objects: dict[str, dict[ObjectKey, JsonObject]] = {name: {} for name in KINDS}
        self._owned: dict[str, dict[ObjectKey, None]] = {}
        self._on_node: dict[str, dict[ObjectKey, None]] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """The newest resourceVersion."""
        return self._version

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return an object, or None."""
        return self._objects.get(key.kind, {}).get(key)

    def all_of(self, kind: str, namespace: str = "") -> list[JsonObject]:
        """Return the objects of a kind in the order they were created, of one or all namespaces."""
        return [
            obj
            for key, obj in self._objects[kind].items()
            if not namespace or key.namespace == namespace
        ]

    def count(self, kind: str) -> int:
        """Return how many objects of a kind there are."""
        return len(self._objects[kind])

    def owned_by(self, uid: str) -> list[JsonObject]:
        """Return the objects that name `uid` among their owners."""
        return list(self._resolve(self._owned.get(uid, ())))

    def ownerless(self, kind: str, namespace: str) -> list[JsonObject]:
        """Return the Pods or ReplicaSets of a namespace that nobody owns."""
        found = self._resolve(self._owned.get(_NOBODY, ()))
        return [o for o in found if o["kind"] == kind and key_of(o).namespace == namespace]

    def pods_on(self, node: str) -> list[JsonObject]:
        """Return the pods bound to a node, in the order of their binding."""
        return list(self._resolve(self._on_node.get(node, ())))

    def put(self, obj: JsonObject, stamp: str) -> Change | None:
        """Create or replace an object; None when nothing would change.

        Parameters
        ----------
        obj
            Its own copy of all that differs from the stored one. The server's own fields (uid,
            creationTimestamp, generation, resourceVersion) are set here.
        stamp
            Time for ``creationTimestamp``.

        Raises
        ------
        Refused
            409 if `obj` names a resourceVersion that is not the stored one's.
        """
        key = key_of(obj)
        old = self._objects[key.kind].get(key)
        meta = dict(obj["metadata"])
        if old is None:
            meta |= {"uid": self.new_uid(), "creationTimestamp": stamp}
            if KINDS[key.kind].has_generation:
                meta["generation"] = 1
        else:
            self._check_version(key, old, meta)
            meta |= {
                name: old["metadata"][name] for name in _SERVER_FIELDS if name in old["metadata"]
            }
            if _same(old, {**obj, "metadata": meta}):
                return None
            if "generation" in meta and obj.get("spec") != old.get("spec"):
                meta["generation"] += 1
        self._version += 1
        meta["resourceVersion"] = str(self._version)
        new = {**obj, "metadata": meta}
        self._objects[key.kind][key] = new
        self._reindex(key, old, new)
        return Change("ADDED" if old is None else "MODIFIED", new)

    def remove(self, key: ObjectKey) -> Change:
        """Take an object out; the change carries its last state under a new resourceVersion."""
        old = self._objects[key.kind].pop(key)
        self._reindex(key, old, None)
        self._version += 1
        meta = {**old["metadata"], "resourceVersion": str(self._version)}
        deleted: ChangeType = "DELETED"
        return Change(deleted, {**old, "metadata": meta})

    def new_uid(self) -> str:
        """Return a uid in the form of a random UUID."""
        raw = self._rng.bytes(16).hex()
        return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"

    def new_suffix(self) -> str:
        """Return five letters as the API server appends to ``generateName``."""
        letters = "bcdfghjklmnpqrstvwxz2456789"
        return "".join(letters[k] for k in self._rng.integers(0, len(letters), size=5))

    def _resolve(self, keys: Iterable[ObjectKey]) -> Iterator[JsonObject]:
        for key in keys:
            yield self._objects[key.kind][key]

    def _check_version(self, key: ObjectKey, old: JsonObject, meta: JsonObject) -> None:
        claimed = meta.get("resourceVersion")
        if claimed not in (None, "", old["metadata"]["resourceVersion"]):
            said = "the object has been modified; please apply your changes to the latest version"
            raise conflict(key, f"{said} and try again")

    def _reindex(self, key: ObjectKey, old: JsonObject | None, new: JsonObject | None) -> None:
        _move(self._owned, key, _owners(old), _owners(new))
        if key.kind == "Pod":
            _move(self._on_node, key, _node(old), _node(new))


def _move(
    index: dict[str, dict[ObjectKey, None]], key: ObjectKey, old: set[str], new: set[str]
) -> None:
    for value in old - new:
        index[value].pop(key, None)
        if not index[value]:
            del index[value]
    for value in new - old:
        index.setdefault(value, {})[key] = None


def _owners(obj: JsonObject | None) -> set[str]:
    if obj is None:
        return set()
    owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences", ())}
    return owners or ({_NOBODY} if obj["kind"] in _ADOPTED else set())


def _node(obj: JsonObject | None) -> set[str]:
    name = obj["spec"].get("nodeName", "") if obj is not None else ""
    return {name} if name else set()


def _same(old: JsonObject, new: JsonObject) -> bool:
    return old == new


def content_hash(value: JsonObject) -> str:
    """Return ten letters that depend on nothing but the content, as for ``pod-template-hash``."""
    state = 0xCBF29CE484222325  # FNV-1a, 64 bits, as the controllers use
    for byte in json.dumps(value, sort_keys=True, separators=(",", ":")).encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    letters = "bcdfghjklmnpqrstvwxz2456789"
    out = ""
    for _ in range(10):
        state, digit = divmod(state, len(letters))
        out += letters[digit]
    return out


def is_same_object(obj: JsonObject | None, uid: str) -> bool:
    """Whether `obj` is the very object that had `uid`, not a later one of its name."""
    return obj is not None and uid_of(obj) == uid
