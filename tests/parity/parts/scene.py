"""The small universe of names and labels that worlds are made of, so that their rules interact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tests.parity.choices import Choices

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as its JSON."""

Rule = Literal[
    "resources", "node choice", "taints", "pod affinity", "spread", "ports", "volumes", "states"
]
"""A family of rules that a world may be about.

`states` are nodes and pods that come or go, and what else nodes say of themselves.
"""

RULES: tuple[Rule, ...] = get_args(Rule)

_WEIGHTED: tuple[Rule, ...] = (*RULES, "spread", "pod affinity", "volumes", "volumes")
"""What is judged last is what a world is most often about."""

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
BETA_ZONE = "failure-domain.beta.kubernetes.io/zone"
BETA_REGION = "failure-domain.beta.kubernetes.io/region"
RACK = "rack"
TEMPLATE_HASH = "pod-template-hash"
INDEX = "apps.kubernetes.io/pod-index"
DRIVER_ZONES = ("topology.gke.io/zone", "topology.ebs.csi.aws.com/zone")
"""Under which drivers say the zone of a node."""

RESTARTS_ALL = "RestartAllContainersOnContainerExits"
"""The one feature of Kubernetes 1.36 that a node must have declared for a pod that needs it."""

ZONES = ("eu-west1-a", "eu-west1-b", "eu-west1-c")
"""Of the form from which the region is told where an in-tree disk became a driver's."""

REGIONS = ("r1", "r2")
RACKS = ("a", "b")

NAMESPACES = ("default", "blue", "red")
TEAMS: Mapping[str, str] = {"default": "core", "blue": "edge", "red": "edge"}

POD_LABELS: Mapping[str, tuple[str, ...]] = {
    "app": ("web", "db", "cache"),
    "tier": ("front", "back"),
    TEMPLATE_HASH: ("77d9", "5c4f"),
    INDEX: ("0", "1"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a world is about, and where its choices come from.

    `copies_zones` says that the API server labels pods with their node's zone and region when they
    are bound. In a settled world every claim is bound, or waits for a pod: none is half way.
    """

    choices: Choices
    rules: frozenset[Rule]
    copies_zones: bool = False
    is_settled: bool = False

    def has(self, rule: Rule) -> bool:
        """Return whether the world is about a family of rules."""
        return rule in self.rules

    def likely(self, rule: Rule, percent: int) -> bool:
        """Return true `percent` times of a hundred where the world is about `rule`, else never.

        Less often where it is about many, or no node would be left for the last rules to judge.
        """
        share = percent * 4 // (3 + len(self.rules))
        return rule in self.rules and self.choices.happens(share)


def scene(choices: Choices, *, is_settled: bool = False) -> Scene:
    """Return a scene of one family of rules, of a few, or of all."""
    kind = choices.below(10)
    count = 1 if kind < 4 else len(_WEIGHTED) if kind == 9 else choices.between(2, 4)
    rules = frozenset(choices.some_of(_WEIGHTED, count, count))
    return Scene(choices, rules, copies_zones=choices.happens(70), is_settled=is_settled)


def without_none(obj: Mapping[str, Any]) -> Object:
    """Return an object without the fields that are not given."""
    return {key: value for key, value in obj.items() if value is not None}
