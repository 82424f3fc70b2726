"""Who owns what: references from dependents to their controller, and the adoption of orphans."""

from simulator.change import JsonObject, key_of, uid_of
from simulator.state import State
from simulator.status import with_metadata


def owner_reference(owner: JsonObject) -> JsonObject:
    """Return the reference a controller leaves in what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned(state: State, owner: JsonObject, kind: str) -> list[JsonObject]:
    """Return the objects of a kind that an owner has, after it took in orphans that match it."""
    wanted = owner["spec"]["selector"]["matchLabels"].items()
    for orphan in state.store.ownerless(kind, key_of(owner).namespace):
        is_ending = orphan["metadata"].get("deletionTimestamp")
        if not is_ending and wanted <= orphan["metadata"].get("labels", {}).items():
            state.put(with_metadata(orphan, ownerReferences=[owner_reference(owner)]))
    return [obj for obj in state.store.owned_by(uid_of(owner)) if obj["kind"] == kind]
