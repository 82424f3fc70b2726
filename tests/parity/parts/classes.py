"""Storage classes and drivers, what nodes can attach, and how much room for volumes is left."""

from collections.abc import Iterator, Sequence

from tests.parity.choices import Choices
from tests.parity.parts.scene import HOSTNAME, RACK, RACKS, ZONE, ZONES, Object, without_none

DRIVER = "csi.example.com"
GCE, GCE_DRIVER = "kubernetes.io/gce-pd", "pd.csi.storage.gke.io"
EBS, EBS_DRIVER = "kubernetes.io/aws-ebs", "ebs.csi.aws.com"
MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"

WAITING_CLASSES = ("fast", "manual", "pd")
"""Classes whose claims wait for a pod: of a driver, of nobody, of what drivers took over."""

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
"""The annotation in which a class was named before there was a field; it still comes first."""

IMMEDIATE_CLASS = "now"
MISSING_CLASS = "gone"

_PROVISIONERS = {
    "fast": DRIVER,
    "manual": "kubernetes.io/no-provisioner",
    "pd": GCE,
    IMMEDIATE_CLASS: DRIVER,
}


def storage_classes(choices: Choices) -> list[Object]:
    """Return the classes; now and then one is missing."""
    return [
        without_none(
            {
                "metadata": {"name": name},
                "provisioner": provisioner,
                "volumeBindingMode": "WaitForFirstConsumer" if name in WAITING_CLASSES else None,
                "allowedTopologies": _allowed(choices) if choices.happens(20) else None,
            }
        )
        for name, provisioner in _PROVISIONERS.items()
        if choices.happens(92)
    ]


def csi_drivers(choices: Choices) -> list[Object]:
    """Return the driver's object, if there is one."""
    if not choices.happens(70):
        return []
    spec = {"storageCapacity": choices.happens(65), "attachRequired": True}
    return [{"metadata": {"name": DRIVER}, "spec": spec}]


def csi_nodes(choices: Choices, nodes: Sequence[str]) -> list[Object]:
    """Return what most nodes say of the drivers on them, and what these can attach."""
    return [_csi_node(choices, name) for name in nodes if choices.happens(75)]


def csi_storage_capacities(choices: Choices) -> list[Object]:
    """Return how much room some nodes have for new volumes of some classes."""
    return [
        without_none(
            {
                "metadata": {"name": f"room-{k}", "namespace": "kube-system"},
                "storageClassName": choices.one_of(("fast", "fast", "pd", "manual")),
                "nodeTopology": _reached(choices),
                "capacity": choices.one_of(("2Gi", "10Gi", "500Mi", None)),
                "maximumVolumeSize": choices.one_of((None, None, "1Gi", "4Gi")),
            }
        )
        for k in range(choices.between(0, 3))
    ]


def volume_attachments(
    choices: Choices, nodes: Sequence[str], volumes: Sequence[Object]
) -> Iterator[Object]:
    """Yield volumes that a driver has attached, or is asked to attach, to nodes."""
    handled = [one["metadata"]["name"] for one in volumes if "csi" in one["spec"]]
    named = [one["metadata"]["name"] for one in volumes if "csi" not in one["spec"]]
    for k in range(choices.between(0, 4)):
        options = handled if handled and choices.happens(85) else [*named, "pv-gone"]
        yield {
            "metadata": {"name": f"attached-{k}"},
            "spec": {
                "attacher": DRIVER if choices.happens(85) else EBS_DRIVER,
                "nodeName": choices.one_of(nodes),
                "source": {"persistentVolumeName": choices.one_of(options)},
            },
            "status": {"attached": choices.happens(80)},
        }


def _allowed(choices: Choices) -> list[Object]:
    """Return ``allowedTopologies``: any of the terms, of a term every expression."""
    terms: list[Object] = []
    for key, values in choices.some_of(((ZONE, ZONES), (RACK, RACKS)), 1, 2):
        asked: list[Object] = [{"key": key, "values": choices.some_of(values, 1, 2)}]
        if not terms and choices.happens(20):
            other = (RACK, RACKS) if key == ZONE else (ZONE, ZONES)
            asked.append({"key": other[0], "values": [choices.one_of(other[1])]})
        terms.append({"matchLabelExpressions": asked})
    return terms


def _reached(choices: Choices) -> Object | None:
    kind = choices.below(10)
    if kind == 9:
        return None
    if kind == 8:
        return {}
    key, values = choices.one_of(((ZONE, ZONES), (RACK, RACKS), (HOSTNAME, ("n1", "n2", "n3"))))
    if choices.happens(30):
        wanted = {"key": key, "operator": "In", "values": choices.some_of(values, 1, 2)}
        return {"matchExpressions": [wanted]}
    return {"matchLabels": {key: choices.one_of(values)}}


def _csi_node(choices: Choices, name: str) -> Object:
    migrated = choices.one_of((None, None, f"{GCE},{EBS}", GCE, ""))
    metadata: Object = {"name": name}
    if migrated is not None:
        metadata["annotations"] = {MIGRATED: migrated}
    drivers = []
    for driver, percent in ((DRIVER, 85), (GCE_DRIVER, 35), (EBS_DRIVER, 35)):
        if choices.happens(percent):
            limit = choices.one_of((None, 0, 1, 1, 2, 3))
            drivers.append(
                without_none(
                    {
                        "name": driver,
                        "nodeID": name,
                        "topologyKeys": [ZONE] if choices.happens(50) else [],
                        "allocatable": None if limit is None else {"count": limit},
                    }
                )
            )
    return {"metadata": metadata, "spec": {"drivers": drivers}}
