"""Which pods go home: those that were replaced elsewhere when their node died, once it is back."""

from collections.abc import Mapping

from scheduler.domain.workload import PodClass
from scheduler.reliability.cover.renewing import renewed
from scheduler.reliability.repair.moves import Limits, Move, Moves, Stuck, Why, unmovable
from scheduler.reliability.repair.scene import Scene

MOST_TOGETHER = 256
"""Pods that are looked at together; the others follow when these are at home."""


def homecomings(scene: Scene, homes: frozenset[str], limits: Limits) -> Moves:
    """Return the moves of pods back to the nodes that they, or those they replace, were lost with.

    A pod goes home if its budgets hold there, no more budgets are broken than before, and it fits
    beside what was promised to others. It may take room kept for failures, as it leaves as much
    elsewhere; but if fewer pods could have a backup once all are at home, none goes.

    Parameters
    ----------
    scene
        The cluster as it is.
    homes
        Names of the nodes that are back for good.
    limits
        What must not be moved.
    """
    snapshot = scene.snapshot
    placed, index = snapshot.placed, snapshot.nodes.index
    there = {pod.uid for pod in placed.pods if pod.uid}
    away = [
        row
        for row, pod in enumerate(placed.pods)
        # Where the pod it replaces lives after all, that one is at home.
        if pod.home in homes and pod.replaces not in there and not placed.is_terminating[row]
    ]
    away = [row for row in away if index[placed.pods[row].home] != int(placed.node_of[row]) >= 0]
    away.sort(key=lambda row: (-placed.pods[row].pod_class.priority, placed.pods[row].key))
    referring = scene.referring() if away else {}
    moves: list[Move] = []
    stuck: list[Stuck] = []
    after = scene
    for row in away[:MOST_TOGETHER]:
        pod, node = placed.pods[row], snapshot.nodes.nodes[int(placed.node_of[row])].name
        found = _at_home(after, row, referring, limits)
        if isinstance(found, str):
            stuck.append(Stuck(pod, node, f"it cannot go home to {pod.home}: {found}"))
        else:
            after = found
            moves.append(Move(pod, node, pod.home, Why.HOME, f"{pod.home} is back"))
    if moves and scene.rules.cover.mode != "off" and _bare(after) > _bare(scene):
        why = "fewer pods would have a backup if all went home"
        return Moves((), (*stuck, *(Stuck(m.pod, m.node, why) for m in moves)))
    ready = [m for m in moves if m.pod.pod_class.workload not in limits.resting]
    return Moves(tuple(_one_each(ready)[: limits.most]), tuple(stuck))


def _at_home(
    scene: Scene, row: int, referring: Mapping[PodClass, frozenset[PodClass]], limits: Limits
) -> Scene | str:
    """Return the cluster with a pod at home, or why it cannot be there."""
    snapshot = scene.snapshot
    pod = snapshot.placed.pods[row]
    why_not = unmovable(pod, limits)
    if why_not:
        return why_not
    home = snapshot.nodes.index[pod.home]
    found = scene.destinations(row, in_reserves=True)
    if home not in found.nodes:
        return found.refusal or "its budgets, rules or requests do not allow it there now"
    moved = scene.moved(row, home)
    classes = frozenset({pod.pod_class}) | referring.get(pod.pod_class, frozenset())
    if moved.violations(classes) > scene.violations(classes):
        return "more budgets would be broken"
    return moved


def _bare(scene: Scene) -> int:
    """Return how many pods would be without a backup once all were chosen that can be."""
    found = renewed(scene.snapshot, scene.rules.placement, scene.rules.cover)
    return len(found.uncovered)


def _one_each(moves: list[Move]) -> list[Move]:
    """Return the first move of each workload: it moves one pod at a time."""
    first: dict[object, Move] = {}
    for move in moves:
        first.setdefault(move.pod.pod_class.workload, move)
    return list(first.values())
