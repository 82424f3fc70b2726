"""Claims and the volumes they are bound to, reserved for, or could be bound to."""

from dataclasses import dataclass, field

from tests.parity.choices import Choices
from tests.parity.parts.classes import BETA_CLASS, IMMEDIATE_CLASS, MISSING_CLASS, WAITING_CLASSES
from tests.parity.parts.persistent import VolumeMaker
from tests.parity.parts.scene import NAMESPACES, Object, Scene

SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"

_REQUESTS = ("500Mi", "1Gi", "1500M", "2Gi", "3Gi", "5Gi")
_MODES = (["ReadWriteOnce"], ["ReadWriteMany"], ["ReadWriteOnce", "ReadOnlyMany"])
_MOMENT = "2026-01-31T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a world, and the volumes."""

    scene: Scene
    nodes: tuple[str, ...]
    volumes: VolumeMaker
    made: list[Object] = field(default_factory=list)

    def names(self, namespace: str) -> list[str]:
        """Return the names of the claims in a namespace."""
        found = [one["metadata"] for one in self.made]
        return [metadata["name"] for metadata in found if metadata["namespace"] == namespace]

    def add(self, namespace: str, name: str) -> Object:
        """Return a new claim, which is one of this world's from now on."""
        choices, is_settled = self.scene.choices, self.scene.is_settled
        claim = _unbound(choices, namespace, name)
        kind = choices.below(100)
        if kind < 46:
            self._bind(claim)
        elif kind < 90 or is_settled:
            self._wait(claim)
        elif kind < 92:
            claim["spec"]["storageClassName"] = IMMEDIATE_CLASS
        else:
            self._break(claim, kind)
        if not is_settled and choices.happens(3):
            claim["metadata"] |= {"deletionTimestamp": _MOMENT, "deletionGracePeriodSeconds": 0}
            claim["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
        self.made.append(claim)
        return claim

    def _bind(self, claim: Object) -> None:
        volume = self.volumes.bound_to(claim)
        claim["spec"]["volumeName"] = volume["metadata"]["name"]
        claim["metadata"].setdefault("annotations", {})[BIND_COMPLETED] = "yes"
        claim["status"] = {"phase": "Bound"}

    def _wait(self, claim: Object) -> None:
        choices = self.scene.choices
        _set_class(choices, claim, choices.one_of(WAITING_CLASSES))
        if choices.happens(12):
            node = choices.one_of((*self.nodes, "gone")) if choices.happens(20) else self.nodes[0]
            claim["metadata"].setdefault("annotations", {})[SELECTED_NODE] = node
        elif choices.happens(15):
            self.volumes.reserved_for(claim)
        if choices.happens(15):
            claim["spec"]["selector"] = {
                "matchLabels": {"media": choices.one_of(("flash", "disk"))}
            }

    def _break(self, claim: Object, kind: int) -> None:
        """Leave a claim in one of the states in which it cannot be used."""
        spec = claim["spec"]
        if kind < 93:  # its volume is gone
            self._bind(claim)
            spec["volumeName"] = "pv-gone"
        elif kind < 94:
            self._bind(claim)
            claim["status"] = {"phase": "Lost"}
        elif kind < 95:  # its binding was begun
            self._bind(claim)
            del claim["metadata"]["annotations"][BIND_COMPLETED]
        elif kind < 97:  # it asks for one volume alone
            spec["volumeName"] = self.volumes.unbound(None)["metadata"]["name"]
            spec["storageClassName"] = self.scene.choices.one_of((*WAITING_CLASSES, ""))
        elif kind < 98:
            spec["storageClassName"] = MISSING_CLASS
        else:
            spec.pop("storageClassName", None)


def claims(scene: Scene, nodes: tuple[str, ...]) -> Claims:
    """Return a world's claims: up to six, most in the first namespace, and volumes to spare."""
    choices = scene.choices
    found = Claims(scene, nodes, VolumeMaker(choices, nodes))
    for k in range(choices.between(1, 6)):
        namespace = "default" if choices.happens(75) else choices.one_of(NAMESPACES)
        # Claims of two namespaces may have one name.
        name = f"c{choices.below(k + 1)}"
        found.add(namespace, f"c{k}" if name in found.names(namespace) else name)
    for _ in range(choices.between(0, 5)):
        found.volumes.unbound(choices.one_of(WAITING_CLASSES))
    return found


def _unbound(choices: Choices, namespace: str, name: str) -> Object:
    spec: Object = {
        "accessModes": ["ReadWriteOncePod"] if choices.happens(15) else choices.one_of(_MODES),
        "resources": {"requests": {"storage": choices.one_of(_REQUESTS)}},
        "storageClassName": choices.one_of(WAITING_CLASSES),
    }
    if choices.happens(7):
        spec["volumeMode"] = "Block"
    if choices.happens(4):
        spec["volumeAttributesClassName"] = "gold"
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def _set_class(choices: Choices, claim: Object, name: str) -> None:
    """Name the class, now and then in the annotation that came before the field."""
    if choices.happens(6):
        del claim["spec"]["storageClassName"]
        claim["metadata"].setdefault("annotations", {})[BETA_CLASS] = name
    else:
        claim["spec"]["storageClassName"] = name
