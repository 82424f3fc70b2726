"""PersistentVolumes: bound, reserved and free, where nodes can reach them or not."""

from collections.abc import Sequence

from tests.parity.choices import Choices
from tests.parity.parts.classes import BETA_CLASS, DRIVER
from tests.parity.parts.scene import (
    BETA_REGION,
    BETA_ZONE,
    HOSTNAME,
    RACK,
    RACKS,
    REGION,
    ZONE,
    ZONES,
    Object,
)

_MODES = (
    ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"],
    ["ReadWriteOnce", "ReadOnlyMany"],
    ["ReadWriteOnce"],
    ["ReadWriteOncePod"],
    ["ReadWriteMany", "ReadOnlyMany"],
)
_ZONES_OF_LABEL = (*ZONES, "__".join(ZONES[:2]), "__".join(ZONES), f"{ZONES[0]}____{ZONES[1]}")
_REGIONS_OF_LABEL = ("r1", "r2", "r1__r2")
_MEBIBYTE = 1 << 20


class VolumeMaker:
    """Makes the volumes of a world.

    No two have one size: which of two the volume binder takes would be up to the order of a map,
    and one case would have two answers.
    """

    def __init__(self, choices: Choices, nodes: Sequence[str]) -> None:
        self._choices = choices
        self._nodes = nodes
        self.made: list[Object] = []

    def bound_to(self, claim: Object) -> Object:
        """Return a volume that a claim is bound to."""
        volume = self._volume(claim["spec"].get("storageClassName", ""), claim)
        volume["spec"]["claimRef"] = reference(claim, with_uid=True)
        volume["status"] = {"phase": "Bound"}
        return volume

    def reserved_for(self, claim: Object) -> Object:
        """Return a volume that somebody has reserved for a claim by its name, or also its uid."""
        volume = self._volume(claim["spec"].get("storageClassName", "fast"), claim)
        volume["spec"]["claimRef"] = reference(claim, with_uid=self._choices.happens(40))
        if self._choices.happens(15):
            volume["spec"]["claimRef"]["uid"] = "uid-of-another"
        return volume

    def unbound(self, storage_class: str | None) -> Object:
        """Return a volume that is free, or was until lately another's."""
        name = storage_class or self._choices.one_of(("fast", "manual", "pd", ""))
        volume = self._volume(name, None)
        kind = self._choices.below(12)
        if kind == 11:
            volume["status"] = {"phase": self._choices.one_of(("Released", "Failed", "Pending"))}
        if kind == 10:
            volume["metadata"] |= {
                "deletionTimestamp": "2026-01-31T12:00:00Z",
                "deletionGracePeriodSeconds": 0,
                "finalizers": ["kubernetes.io/pv-protection"],
            }
        return volume

    def _volume(self, storage_class: str, claim: Object | None) -> Object:
        choices, number = self._choices, len(self.made)
        # 1 to 6 GiB in steps too fine to meet twice.
        size = (choices.between(1, 6) << 30) + number * _MEBIBYTE
        spec: Object = {
            "capacity": {"storage": str(size)},
            "accessModes": choices.one_of(_MODES),
            "persistentVolumeReclaimPolicy": "Retain",
        }
        metadata: Object = {"name": f"pv{number}", "uid": f"uid-pv{number}"}
        if storage_class and choices.happens(5):
            metadata["annotations"] = {BETA_CLASS: storage_class}
        elif storage_class:
            spec["storageClassName"] = storage_class
        asked = claim["spec"] if claim is not None else {}
        for field in ("volumeMode", "volumeAttributesClassName"):
            if field in asked:
                spec[field] = asked[field]
        if claim is None and choices.happens(8):
            spec["volumeMode"] = "Block"
        _place(choices, self._nodes, metadata, spec)
        _fill(choices, number, spec)
        volume = {"metadata": metadata, "spec": spec, "status": {"phase": "Available"}}
        self.made.append(volume)
        return volume


def reference(claim: Object, *, with_uid: bool) -> Object:
    """Return ``claimRef`` of a volume that is a claim's."""
    metadata = claim["metadata"]
    made = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
    made |= {"namespace": metadata["namespace"], "name": metadata["name"]}
    return {**made, "uid": metadata["uid"]} if with_uid else made


def _fill(choices: Choices, number: int, spec: Object) -> None:
    """Give a volume its source. A local one must say on which nodes it is."""
    kind = choices.below(10)
    if kind == 9 and "nodeAffinity" in spec:
        spec["local"] = {"path": "/mnt/disk"}
    elif kind == 8:
        spec["gcePersistentDisk"] = {"pdName": f"disk-{number}"}
    elif kind == 7:
        spec["awsElasticBlockStore"] = {"volumeID": f"vol-{number}"}
    elif kind == 6:
        spec["nfs"] = {"server": "files.example.com", "path": "/exports"}
    else:
        # Two volumes may be one thing to the driver.
        handle = f"handle-{choices.below(3) if choices.happens(20) else number}"
        spec["csi"] = {"driver": DRIVER, "volumeHandle": handle}
        if "volumeAttributesClassName" in spec:
            return
    spec.pop("volumeAttributesClassName", None)


def _place(choices: Choices, nodes: Sequence[str], metadata: Object, spec: Object) -> None:
    """Bind a volume to some nodes: by node affinity, by its labels, or not at all."""
    metadata["labels"] = {"media": choices.one_of(("flash", "disk"))}
    if choices.happens(45):
        terms = [_term(choices, nodes) for _ in range(choices.one_of((1, 1, 2)))]
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    if choices.happens(25):
        key = ZONE if choices.happens(70) else BETA_ZONE
        metadata["labels"][key] = choices.one_of(_ZONES_OF_LABEL)
    if choices.happens(8):
        key = REGION if choices.happens(70) else BETA_REGION
        metadata["labels"][key] = choices.one_of(_REGIONS_OF_LABEL)


def _term(choices: Choices, nodes: Sequence[str]) -> Object:
    key, values = choices.one_of(
        ((ZONE, ZONES), (HOSTNAME, nodes), (RACK, RACKS), (BETA_ZONE, ZONES))
    )
    wanted: list[Object] = [{"key": key, "operator": "In", "values": choices.some_of(values, 1, 2)}]
    if choices.happens(10):
        wanted.append({"key": "disk", "operator": choices.one_of(("Exists", "DoesNotExist"))})
    return {"matchExpressions": wanted}
