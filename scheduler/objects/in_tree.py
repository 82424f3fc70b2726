"""Volumes of plugins that gave way to CSI drivers: under which name a driver knows them, and where.

Names and topology keys are those of ``k8s.io/csi-translation-lib``.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from scheduler.domain.selector import Requirement
from scheduler.domain.storage import MOVED_PLUGINS, InTreeVolume
from scheduler.domain.workload import NodeTerm
from scheduler.objects.decoding import Wire

_EBS = "kubernetes.io/aws-ebs"
_GCE = "kubernetes.io/gce-pd"
_AZURE = "kubernetes.io/azure-disk"
_CINDER = "kubernetes.io/cinder"
_PORTWORX = "kubernetes.io/portworx-volume"

_ZONE_KEYS = {
    _EBS: "topology.ebs.csi.aws.com/zone",
    _GCE: "topology.gke.io/zone",
    _CINDER: "topology.cinder.csi.openstack.org/zone",
}
"""Labels by which drivers name zones; the other drivers' volumes keep the labels they ask for."""

_ZONE = "topology.kubernetes.io/zone"
_REGION = "topology.kubernetes.io/region"
_OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"
_OLD_REGION = "failure-domain.beta.kubernetes.io/region"
_ZONES_APART = "__"
_UNSPECIFIED = "UNSPECIFIED"
_EBS_URL = re.compile(r"aws://[^/?#]*(?P<path>[^?#]*)")
_EBS_NAME = re.compile(r"vol-[^/]*")
_GCE_ZONE = re.compile(r"(?P<region>[^-]*-[^-]*)-[^-]*")

Terms = tuple[NodeTerm, ...] | None


class VolumeById(Wire, frozen=True):
    """``awsElasticBlockStore``, ``cinder`` or ``portworxVolume``."""

    volume_id: str | None = msgspec.field(default=None, name="volumeID")
    read_only: bool | None = None


class GceDisk(Wire, frozen=True):
    """``gcePersistentDisk``."""

    pd_name: str | None = None
    read_only: bool | None = None


class AzureDisk(Wire, frozen=True):
    """``azureDisk``."""

    disk_uri: str | None = msgspec.field(default=None, name="diskURI")
    kind: str | None = None
    read_only: bool | None = None


class InTreeSources(Wire, frozen=True):
    """The sources of a volume, of which one at most is there."""

    aws_elastic_block_store: VolumeById | None = None
    gce_persistent_disk: GceDisk | None = None
    azure_disk: AzureDisk | None = None
    cinder: VolumeById | None = None
    portworx_volume: VolumeById | None = None


def in_tree_name(
    sources: InTreeSources, zones: str = ""
) -> tuple[str, tuple[str, str] | None] | None:
    """Return the plugin of a volume, and its driver with the handle; None for other volumes.

    Parameters
    ----------
    sources
        As written.
    zones
        What the volume's zone label says.

    Returns
    -------
    tuple of str and tuple, or None
        In place of driver and handle None, where the driver has no name for the volume.
    """
    if sources.aws_elastic_block_store is not None:
        plugin, handle = _EBS, _ebs_handle(sources.aws_elastic_block_store.volume_id or "")
    elif sources.gce_persistent_disk is not None:
        plugin, handle = _GCE, _gce_handle(sources.gce_persistent_disk.pd_name or "", zones)
    elif sources.azure_disk is not None:
        plugin, handle = _AZURE, _azure_handle(sources.azure_disk)
    elif sources.cinder is not None:
        plugin, handle = _CINDER, sources.cinder.volume_id or ""
    elif sources.portworx_volume is not None:
        plugin, handle = _PORTWORX, sources.portworx_volume.volume_id or ""
    else:
        return None
    driver = MOVED_PLUGINS[plugin]
    return plugin, None if driver is None or handle is None else (driver, handle)


def read_in_tree(
    sources: InTreeSources, labels: Mapping[str, str], terms: Terms
) -> InTreeVolume | None:
    """Return what a PersistentVolume is to the driver of its plugin; None for other volumes.

    Parameters
    ----------
    sources
        As written.
    labels, terms
        Of the volume.
    """
    named = in_tree_name(sources, labels.get(_OLD_ZONE) or labels.get(_ZONE, ""))
    if named is None:
        return None
    plugin, csi = named
    key = _ZONE_KEYS.get(plugin)
    return InTreeVolume(plugin, csi, terms if key is None else _moved_terms(terms, labels, key))


def _ebs_handle(written: str) -> str | None:
    """Return the disk of ``aws://zone/vol-1`` or ``vol-1``."""
    if not written.startswith("aws://"):
        return written
    match = _EBS_URL.match(written)
    name = match["path"].strip("/") if match else ""
    return name if _EBS_NAME.fullmatch(name) else None


def _gce_handle(disk: str, written: str) -> str | None:
    zones = written.split(_ZONES_APART)
    if len(zones) == 1:
        return f"projects/{_UNSPECIFIED}/zones/{written or _UNSPECIFIED}/disks/{disk}"
    matches = [_GCE_ZONE.fullmatch(zone) for zone in zones]
    regions = {match["region"] if match else None for match in matches}
    region = regions.pop()
    if regions or region is None:
        return None
    return f"projects/{_UNSPECIFIED}/regions/{region}/disks/{disk}"


def _azure_handle(disk: AzureDisk) -> str | None:
    """Return a managed disk's URI; a kind that is not written is ``Shared``."""
    is_managed = (disk.kind or "Shared").casefold() == "managed"
    return disk.disk_uri or "" if is_managed else None


def _moved_terms(terms: Terms, labels: Mapping[str, str], key: str) -> Terms:
    """Return the terms with the driver's zone `key` in place of Kubernetes' own.

    Where the terms name no zone, that of the volume's label is added to each.
    """
    is_old = _is_old(terms, labels)
    zone = _OLD_ZONE if is_old else _ZONE
    new_keys = {_OLD_REGION: _REGION} if is_old else {}
    if any(r.key == zone and r.values for term in terms or () for r in term.expressions):
        new_keys[zone] = key
    elif zone in labels:
        terms = _within(terms, key, labels[zone])
    if terms is None:
        return None
    return tuple(
        replace(
            term,
            expressions=tuple(replace(r, key=new_keys.get(r.key, r.key)) for r in term.expressions),
        )
        for term in terms
    )


def _is_old(terms: Terms, labels: Mapping[str, str]) -> bool:
    """Whether a volume speaks of zones by the labels of before Kubernetes 1.17."""
    asked = {r.key for term in terms or () for r in term.expressions}
    if _ZONE in asked or _OLD_ZONE in asked:
        return _ZONE not in asked
    return _ZONE not in labels and _OLD_ZONE in labels


def _within(terms: Terms, key: str, written: str) -> Terms:
    zones = sorted({zone.strip() for zone in written.split(_ZONES_APART)} - {""})
    if not zones:
        return terms
    asked = Requirement(key, "In", tuple(zones))
    return tuple(
        replace(term, expressions=(*term.expressions, asked)) for term in terms or (NodeTerm(),)
    )
