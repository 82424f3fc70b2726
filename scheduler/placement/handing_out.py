"""What was placed, as a plan."""

from dataclasses import replace
from itertools import chain, repeat

from scheduler.domain.cover import HOME_ANNOTATION, Place
from scheduler.domain.plan import AssignedVolumes, Assignment, Plan, PlanStats, Unplaced
from scheduler.placement.backing import Backing
from scheduler.placement.batch import Batch
from scheduler.placement.figures import Figures
from scheduler.placement.placing import Placing
from scheduler.placement.promises import lost_by
from scheduler.placement.reach import measured, reach
from scheduler.placement.refusals import refuse

_NO_PLACE = Place(-1, "")


def handed_out(batch: Batch, placing: Placing, figures: Figures, backing: Backing) -> Plan:
    """Return the plan of what is placed, with the reasons for the rest."""
    names = [node.name for node in batch.table.nodes]
    assignments: dict[str, Assignment] = {}
    refused: dict[str, Unplaced] = {}
    for pending in batch.classes:
        spots = placing.pods.get(pending.pod_class, [])
        if spots:
            near = reach(batch, pending, placing.pods)
            notes = tuple(sorted({t.note for t in pending.targets if t.note}))
            chosen = placing.rules.chosen.get(pending.number) or repeat(AssignedVolumes())
            replaced = chain(lost_by(batch, pending, placing), repeat(_NO_PLACE))
            for pod, (node, _), volumes, lost in zip(
                pending.pods, spots, chosen, replaced, strict=False
            ):
                quoted = tuple(measured(batch, near, placing.pods, node))
                backup = backing.backups.get(pod.key, "")
                one = Assignment(pod, names[node], quoted, notes, volumes, backup, lost.replaces)
                if lost.marks:  # who is at home needs none
                    here = HOME_ANNOTATION, names[node]
                    one = replace(one, marks=tuple(mark for mark in lost.marks if mark != here))
                assignments[pod.key] = one
        if len(spots) < len(pending.pods):
            refusal = refuse(batch, pending, placing, must_cover=pending.number in backing.wanting)
            refused.update({p.key: Unplaced(p, refusal) for p in pending.pods[len(spots) :]})
    stats = _stats(batch, len(assignments), figures)
    return Plan(
        tuple(assignments[p.key] for p in batch.snapshot.pending if p.key in assignments),
        tuple(refused[p.key] for p in batch.snapshot.pending if p.key in refused),
        replace(stats, cover=backing.stats),
        backing.is_truncated,
        backing.cover,
    )


def _stats(batch: Batch, placed: int, figures: Figures) -> PlanStats:
    return PlanStats(
        pending=len(batch.snapshot.pending),
        placed=placed,
        classes=len(batch.classes),
        arcs=figures.arcs,
        rounds=figures.rounds,
        cost=figures.cost,
        bound=figures.bound,
        is_optimal=figures.is_optimal,
        method=", ".join(sorted(figures.methods)),
    )
