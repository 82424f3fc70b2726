"""The volumes of a pod: claims, ephemeral ones, disks written into it, and what needs no place."""

from tests.parity.choices import Choices
from tests.parity.parts.claims import Claims
from tests.parity.parts.scene import Object, Scene, without_none

_IQN = "iqn.2026-01.com.example:disk"


def volumes(scene: Scene, claims: Claims, pod: Object) -> list[Object] | None:
    """Return ``spec.volumes`` of a pod; the claims of ephemeral ones are made with it."""
    choices, metadata = scene.choices, pod["metadata"]
    if not scene.likely("volumes", 75):
        return [{"name": "cache", "emptyDir": {}}] if choices.happens(5) else None
    left = claims.names(metadata["namespace"])
    made: list[Object] = []
    for k in range(choices.one_of((1, 1, 2, 3))):
        kind = choices.below(20)
        volume: Object = {"name": f"v{k}"}
        if kind < 11 and left:
            volume["persistentVolumeClaim"] = _mounted(choices, left)
        elif kind < 13 and not scene.is_settled:
            volume["ephemeral"] = _ephemeral(choices, claims, metadata, f"v{k}")
        elif kind == 13 and not scene.is_settled and choices.happens(40):
            volume["persistentVolumeClaim"] = {"claimName": "nobody-made-it"}
        elif kind == 14:
            volume["configMap"] = {"name": "settings"}
        else:
            volume |= _disk(choices)
        made.append(volume)
    return made


def _mounted(choices: Choices, left: list[str]) -> Object:
    name = choices.one_of(left)
    if choices.happens(90):
        left.remove(name)
    read_only = True if choices.happens(10) else None
    return without_none({"claimName": name, "readOnly": read_only})


def _ephemeral(choices: Choices, claims: Claims, pod: Object, volume: str) -> Object:
    """Return an ephemeral volume. Its claim is the pod's, or somebody else's, or not there yet."""
    fate = choices.below(20)
    name = f"{pod['name']}-{volume}"
    template = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "fast",
    }
    if fate < 19 and name not in claims.names(pod["namespace"]):
        claim = claims.add(pod["namespace"], name)
        if fate < 18:
            owner = {"apiVersion": "v1", "kind": "Pod", "name": pod["name"], "uid": pod["uid"]}
            claim["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return {"volumeClaimTemplate": {"spec": template}}


def _disk(choices: Choices) -> Object:
    """Return a disk of which a node, or the cluster, may have only one mounted."""
    read_only = True if choices.happens(35) else None
    disk = choices.one_of(("one", "two"))
    return choices.one_of(
        (
            {"gcePersistentDisk": without_none({"pdName": disk, "readOnly": read_only})},
            {"awsElasticBlockStore": without_none({"volumeID": disk, "readOnly": read_only})},
            {
                "iscsi": without_none(
                    {
                        "targetPortal": choices.one_of(("10.0.0.1:3260", "10.0.0.2:3260")),
                        "iqn": f"{_IQN}-{disk}",
                        "lun": choices.below(2),
                        "readOnly": read_only,
                    }
                )
            },
            {
                "rbd": without_none(
                    {
                        "monitors": choices.some_of(("10.0.0.1", "10.0.0.2", "10.0.0.3"), 1, 2),
                        "image": disk,
                        "pool": choices.one_of((None, "rbd", "fast")),
                        "readOnly": read_only,
                    }
                )
            },
        )
    )
