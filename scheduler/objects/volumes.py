"""The volumes of a pod, as far as they matter to where it may run."""

from collections.abc import Iterator, Sequence
from typing import Any

from scheduler.domain.errors import InputError
from scheduler.domain.storage import Claim, Disk, PodVolumes
from scheduler.objects.decoding import Wire, decode
from scheduler.objects.in_tree import InTreeSources, in_tree_name

_NONE = PodVolumes()
_MATTER = frozenset(
    {
        "persistentVolumeClaim", "ephemeral", "gcePersistentDisk", "awsElasticBlockStore",
        "iscsi", "rbd", "azureDisk", "cinder", "portworxVolume",
    }
)  # fmt: skip
_DEFAULT_POOL = "rbd"


class ClaimSource(Wire, frozen=True):
    """``persistentVolumeClaim``."""

    claim_name: str | None = None


class IscsiDisk(Wire, frozen=True):
    """``iscsi``."""

    iqn: str | None = None
    read_only: bool | None = None


class RbdImage(Wire, frozen=True):
    """``rbd``."""

    monitors: tuple[str, ...] | None = None
    image: str | None = None
    pool: str | None = None
    read_only: bool | None = None


class PodVolume(InTreeSources, frozen=True):
    """One volume of a pod."""

    name: str | None = None
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: dict[str, Any] | None = None
    iscsi: IscsiDisk | None = None
    rbd: RbdImage | None = None


class VolumesSpec(Wire, frozen=True):
    """The volumes of ``spec``."""

    volumes: tuple[PodVolume, ...] = ()


class WithVolumes(Wire, frozen=True):
    """As much of a pod as has its volumes."""

    spec: VolumesSpec


def read_pod_volumes(
    where: str, pod_name: str, volumes: Sequence[dict[str, Any]] | None
) -> PodVolumes:
    """Return the claims and the disks of a pod.

    Parameters
    ----------
    where
        The pod, for errors.
    pod_name
        By which the claims of its ephemeral volumes are named.
    volumes
        ``spec.volumes`` as written.

    Raises
    ------
    InputError
        If a field that matters has a wrong type, or a claim has no name.
    """
    if all(_MATTER.isdisjoint(one) for one in volumes or ()):
        return _NONE
    written = decode({"spec": {"volumes": volumes}}, WithVolumes, where)
    claims: list[Claim] = []
    disks: list[Disk] = []
    for k, one in enumerate(written.spec.volumes):
        claim = _claim(f"{where}: spec.volumes[{k}]", pod_name, one)
        if claim is not None:
            claims.append(claim)
        else:
            disks.extend(_disks(one))
    return PodVolumes(tuple(claims), tuple(disks))


def _claim(path: str, pod_name: str, volume: PodVolume) -> Claim | None:
    if volume.persistent_volume_claim is not None:
        name = volume.persistent_volume_claim.claim_name
        if not name:
            raise InputError(f"{path}.persistentVolumeClaim", "has no claimName", "name the claim")
        return Claim(name)
    if volume.ephemeral is not None:
        if not volume.name:
            raise InputError(path, "has no name", "name the volume")
        return Claim(f"{pod_name}-{volume.name}", is_ephemeral=True, pod_name=pod_name)
    return None


def _disks(volume: PodVolume) -> Iterator[Disk]:
    _, csi = in_tree_name(volume) or ("", None)
    if (gce := volume.gce_persistent_disk) is not None:
        yield Disk("gcePersistentDisk", (gce.pd_name or "",), bool(gce.read_only), csi=csi)
    if (azure := volume.azure_disk) is not None:
        yield Disk("azureDisk", (azure.disk_uri or "",), bool(azure.read_only), csi=csi)
    for kind, disk in (
        ("awsElasticBlockStore", volume.aws_elastic_block_store),
        ("cinder", volume.cinder),
        ("portworxVolume", volume.portworx_volume),
    ):
        if disk is not None:
            yield Disk(kind, (disk.volume_id or "",), bool(disk.read_only), csi=csi)
    if (iscsi := volume.iscsi) is not None:
        yield Disk("iscsi", (iscsi.iqn or "",), bool(iscsi.read_only))
    if (rbd := volume.rbd) is not None:
        image = (rbd.pool or _DEFAULT_POOL, rbd.image or "")
        monitors = tuple(sorted(set(rbd.monitors or ())))
        yield Disk("rbd", image, bool(rbd.read_only), monitors)
