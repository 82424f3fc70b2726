"""Why a pod's volumes keep it from every node: what kube-scheduler's volume plugins reject at once.

The order is theirs, and only the first that rejects is heard: VolumeRestrictions, VolumeBinding,
VolumeZone, each with the volumes in the order written.
"""

from collections.abc import Iterator, Sequence

from scheduler.domain.storage import Claim, PersistentVolumeClaim, PodVolumes, Storage

UNBOUND_IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"
_LOST = "Lost"

Found = Sequence[tuple[Claim, PersistentVolumeClaim | None]]
"""What the pod names, and what there is of that name."""


def volume_problems(
    storage: Storage, namespace: str, uid: str, volumes: PodVolumes
) -> tuple[str, ...]:
    """Return why a pod cannot be placed at all, at most one reason.

    Parameters
    ----------
    storage
        Of the cluster.
    namespace, uid
        Of the pod; ephemeral claims must be its own.
    volumes
        Of the pod.
    """
    found = [(one, storage.claims.get(f"{namespace}/{one.name}")) for one in volumes.claims]
    for problems in (
        (_not_found(one) for one, claim in found if claim is None and not one.is_ephemeral),
        _unusable(namespace, uid, found),
        _unbound(storage, found),
        _without_volume(storage, found),
    ):
        for first in problems:
            return (first,)
    return ()


def is_bound(claim: PersistentVolumeClaim) -> bool:
    """Whether a claim has its volume. A volume's name alone is a wish."""
    return bool(claim.volume_name) and claim.is_bound


def is_made_for(claim: Claim, found: PersistentVolumeClaim, uid: str) -> bool:
    """Whether an ephemeral claim that was found is the pod's own; others may be anybody's."""
    return not claim.is_ephemeral or found.owner_uids == (uid,)


def not_made_for(namespace: str, claim: Claim) -> str:
    """Return what is said of an ephemeral claim that is not the pod's own."""
    return (
        f"PVC {namespace}/{claim.name} was not created for pod {namespace}/{claim.pod_name} "
        "(pod is not owner)"
    )


def _not_found(claim: Claim) -> str:
    named = f'persistentvolumeclaim "{claim.name}"'
    if claim.is_ephemeral:
        return f"waiting for ephemeral volume controller to create the {named}"
    return f"{named} not found"


def _unusable(namespace: str, uid: str, found: Found) -> Iterator[str]:
    for one, claim in found:
        named = f'persistentvolumeclaim "{one.name}"'
        if claim is None:
            yield _not_found(one)
        elif claim.phase == _LOST:
            yield f'{named} bound to non-existent persistentvolume "{claim.volume_name}"'
        elif claim.is_terminating:
            yield f"{named} is being deleted"
        elif not is_made_for(one, claim, uid):
            yield not_made_for(namespace, one)


def _unbound(storage: Storage, found: Found) -> Iterator[str]:
    for _, claim in found:
        if claim is None or is_bound(claim):
            continue
        if claim.volume_name or not _waits(storage, claim):
            yield UNBOUND_IMMEDIATE


def _without_volume(storage: Storage, found: Found) -> Iterator[str]:
    for one, claim in found:
        name = "" if claim is None or one.is_ephemeral else claim.volume_name
        if name and name not in storage.volumes:
            yield f'persistentvolume "{name}" not found'


def _waits(storage: Storage, claim: PersistentVolumeClaim) -> bool:
    """Whether a claim is bound for its first pod only; without a class it is not."""
    storage_class = storage.classes.get(claim.storage_class or "")
    return storage_class is not None and storage_class.waits
