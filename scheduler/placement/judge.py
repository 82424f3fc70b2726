"""What each node says of one pod, by the rules alone: the verdicts behind decisions and refusals.

Beside kube-scheduler's own filters this is what parity is proven with; it places nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.batch import Batch
from scheduler.placement.reach import reach
from scheduler.placement.refusals import View, families
from scheduler.placement.settings import PlacementSettings


@dataclass(frozen=True, slots=True)
class Judgement:
    """One pod's answer.

    `problems` are why it is not tried at all; then no node is judged. `nodes` has for each node the
    reasons of the first family of rules that rules it out, none for a node that takes the pod.
    """

    problems: tuple[str, ...]
    nodes: Mapping[str, tuple[str, ...]]


def judge(snapshot: ClusterSnapshot, pod: Pod, settings: PlacementSettings) -> Judgement:
    """Return what all nodes of a snapshot say of one pod, given what is placed in it.

    Parameters
    ----------
    snapshot
        The world; what is pending in it does not count.
    pod
        The pod to judge.
    settings
        What decisions are made with.
    """
    batch = Batch(replace(snapshot, pending=(pod,)), settings)
    pending = batch.classes[0]
    near = reach(batch, pending, {})
    problems = tuple(reason.text for reason in (*pending.problems, *near.problems))
    if problems:
        return Judgement(problems, {})
    free = batch.free_for(pod.pod_class.priority, batch.free)
    view = View(batch, pending, near, free, batch.rules.of.get(pending.number))
    alive = np.ones(len(batch.table), dtype=np.bool_)
    reasons: dict[int, list[str]] = {}
    for family in families(view):
        passes = alive.copy()
        for verdict in family:
            passes &= verdict.passes
            for text, mask in verdict.texts:
                for node in np.flatnonzero(mask & alive).tolist():
                    reasons.setdefault(node, []).append(text)
        alive = passes
    names = [node.name for node in batch.table.nodes]
    return Judgement((), {name: tuple(reasons.get(i, ())) for i, name in enumerate(names)})
