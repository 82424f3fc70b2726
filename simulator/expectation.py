"""What a demo pod is expected to come to, said on the pod itself.

The annotation ``demo.isochrone.dev/expect`` on a pod template: ``pending`` for a pod that must not
find a node, ``any`` for one that may or may not. A pod without it is to be placed.
"""

from typing import Literal

from simulator.change import JsonObject

ANNOTATION = "demo.isochrone.dev/expect"

Expectation = Literal["placed", "pending", "any"]


def expectation_of(pod: JsonObject) -> Expectation:
    """Return what is expected of a pod; an unknown word means nothing special."""
    said = (pod["metadata"].get("annotations") or {}).get(ANNOTATION)
    if said == "pending":
        return "pending"
    return "any" if said == "any" else "placed"
