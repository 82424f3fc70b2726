"""Random little worlds: nodes, pods on them, and a pod to be judged, all rules mixed.

Each is a case as the oracle takes it: plain Kubernetes objects, as an API server would take and
serve them. `seeded_world` is for many thousands; `worlds` is the same for Hypothesis.
"""

from hypothesis import strategies as st

from tests.parity.choices import Choices, SeededChoices, drawn
from tests.parity.parts.claims import Claims, claims
from tests.parity.parts.classes import (
    csi_drivers,
    csi_nodes,
    csi_storage_capacities,
    storage_classes,
    volume_attachments,
)
from tests.parity.parts.nodes import node
from tests.parity.parts.persistent import VolumeMaker
from tests.parity.parts.pods import incoming_pod, placed_pod
from tests.parity.parts.scene import NAMESPACES, TEAMS, Object, Scene, scene

Case = Object
"""A world and a pod to be judged in it; see the README for its fields."""

_NODES, _PODS = (1, 2, 3, 3, 4, 4, 5, 5), (0, 1, 2, 3, 4, 5, 6, 7, 8, 8)
"""How many: more often many, so that pods have others to be near to or away from."""


def seeded_world(seed: int, number: int) -> Case:
    """Return the case `number` of a seed: always the same."""
    made = world(SeededChoices(seed, number))
    return {"id": f"{seed}-{number}", **made}


def worlds() -> st.SearchStrategy[Case]:
    """Return the strategy of all cases."""
    return drawn(lambda choices: {"id": "drawn", **world(choices)})


def world(choices: Choices) -> Case:
    """Return a case without an id."""
    view = scene(choices)
    nodes = [node(view, k + 1) for k in range(choices.one_of(_NODES))]
    names = tuple(one["metadata"]["name"] for one in nodes)
    storage = claims_of(view, names)
    placed = [
        # One node is more crowded than the others, so that spreads have something to even out.
        placed_pod(view, k, nodes[0] if choices.happens(30) else choices.one_of(nodes), storage)
        for k in range(choices.one_of(_PODS))
    ]
    incoming = incoming_pod(view, names, storage)
    made: Case = {
        "nodes": nodes,
        "pods": placed,
        "pod": incoming,
        "namespaces": namespaces(choices),
    }
    if view.likely("node choice", 8):
        incoming["spec"]["nodeName"] = choices.one_of((*names, "gone"))
        made["keepNodeName"] = True
    return made | stored(view, storage)


def claims_of(view: Scene, names: tuple[str, ...]) -> Claims:
    """Return the claims of a world, none where it is not about volumes."""
    if view.has("volumes"):
        return claims(view, names)
    return Claims(view, names, VolumeMaker(view.choices, names))


def stored(view: Scene, storage: Claims) -> Object:
    """Return the storage objects of a world, as fields of its case."""
    if not view.has("volumes"):
        return {}
    choices, volumes = view.choices, storage.volumes.made
    return {
        "persistentVolumeClaims": storage.made,
        "persistentVolumes": volumes,
        "storageClasses": storage_classes(choices),
        "csiDrivers": csi_drivers(choices),
        "csiNodes": csi_nodes(choices, storage.nodes),
        "csiStorageCapacities": csi_storage_capacities(choices),
        "volumeAttachments": list(volume_attachments(choices, storage.nodes, volumes)),
    }


def namespaces(choices: Choices) -> list[Object]:
    """Return the namespaces with their labels; the API server adds one with the name."""
    return [
        {
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/metadata.name": name,
                    **({"team": TEAMS[name]} if choices.happens(85) else {}),
                },
            }
        }
        for name in NAMESPACES
    ]
