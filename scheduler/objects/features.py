"""What a pod uses that is not implemented: it waits and says so, and is never placed regardless."""

from collections.abc import Iterator, Sequence
from typing import Any

from scheduler.domain.reasons import RESOURCE_CLAIMS
from scheduler.objects.decoding import Wire, shorten

KNOWN_VOLUMES = frozenset(
    {
        "emptyDir", "configMap", "secret", "projected", "downwardAPI", "hostPath", "nfs", "image",
        "csi", "gitRepo", "cephfs", "glusterfs", "azureFile", "flocker", "flexVolume", "fc",
        "quobyte", "scaleIO", "storageos", "photonPersistentDisk", "vsphereVolume",
        "persistentVolumeClaim", "ephemeral", "gcePersistentDisk", "awsElasticBlockStore",
        "iscsi", "rbd", "azureDisk", "cinder", "portworxVolume",
    }
)  # fmt: skip
"""Sources of volumes as of Kubernetes 1.36. What a later one asks of a node is not known."""

_KNOWN_KEYS = KNOWN_VOLUMES | {"name"}


class FeatureSpec(Wire, frozen=True):
    """The parts of a pod's spec that ask for what is not implemented."""

    volumes: tuple[dict[str, Any], ...] = ()
    resource_claims: tuple[Any, ...] = ()
    workload_ref: Any = None


def unknown_volumes(volumes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the volumes with a source that is not known."""
    return [
        volume
        for volume in volumes
        if not volume.keys() <= _KNOWN_KEYS
        and any(volume[source] is not None for source in volume.keys() - _KNOWN_KEYS)
    ]


def unsupported_features(spec: FeatureSpec) -> tuple[str, ...]:
    """Return the features of a pod that are not implemented, readable, sorted and each once."""
    return tuple(sorted(set(_found(spec))))


def _found(spec: FeatureSpec) -> Iterator[str]:
    for volume in unknown_volumes(spec.volumes):
        for source in sorted(volume.keys() - _KNOWN_KEYS):
            yield f"volume {shorten(volume.get('name'))} ({shorten(source)})"
    if spec.resource_claims:
        yield RESOURCE_CLAIMS
    if spec.workload_ref:
        yield "workload reference"
