"""Wishes about other pods, as costs: preferred pod affinity, soft topology spread.

Weights are those of kube-scheduler's InterPodAffinity and PodTopologySpread plugins.
"""

from scheduler.placement.between.wishes import ClassWishes
from scheduler.placement.packing.problem import Ints
from scheduler.placement.settings import CostSettings

POD_AFFINITY_WEIGHT = 2
SPREAD_WEIGHT = 2


def wish_costs(wishes: ClassWishes, nodes: Ints, cost: CostSettings) -> Ints:
    """Return what the unmet wishes of a class cost on each of `nodes`, as things stand."""
    return cost.score_weight * wishes.unmet(nodes, POD_AFFINITY_WEIGHT, SPREAD_WEIGHT)
