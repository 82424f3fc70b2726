"""A snapshot with some of its gangs alone, and what is said of the others."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from scheduler.domain.delay import format_ms
from scheduler.domain.plan import Unplaced
from scheduler.domain.pod_group import GroupRef
from scheduler.domain.reasons import PodCause, PodReason, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.gangs.admission import Admitted, Tried, placed_members
from scheduler.placement.gangs.gang import Gang
from scheduler.placement.refusals import refuse


def with_gangs(
    snapshot: ClusterSnapshot, gangs: Mapping[GroupRef, Gang], chosen: Collection[GroupRef]
) -> tuple[ClusterSnapshot, frozenset[str]]:
    """Return the snapshot without the pods of other gangs, and the keys of the spare pods in it.

    Pods that are left out are known to wait: a delay may refer to them.
    """
    left_out = [gang for ref, gang in gangs.items() if ref not in chosen]
    spare = frozenset(pod.key for ref in chosen for pod in gangs[ref].spare)
    if not left_out:
        return snapshot, spare
    out = {pod.key for gang in left_out for pod in gang.pods}
    pending = tuple(pod for pod in snapshot.pending if pod.key not in out)
    held = (*snapshot.held, *(pod for gang in left_out for pod in gang.pods))
    return replace(snapshot, pending=pending, held=held), spare


def refused(
    snapshot: ClusterSnapshot, gangs: Mapping[GroupRef, Gang], admitted: Admitted[Tried]
) -> dict[str, Unplaced]:
    """Return what is said of the pods of gangs that are not placed, by key."""
    total = len(snapshot.nodes)
    members = placed_members(admitted.first)
    out: dict[str, Unplaced] = {}
    for ref, gang in gangs.items():
        if ref in admitted.chosen:
            continue
        if gang.problem is not None:
            refusal = Refusal(total, (gang.problem,))
        else:
            refusal = _too_little(gang, members.get(ref, 0), admitted, total)
        out.update({pod.key: Unplaced(pod, refusal) for pod in gang.pods})
    return out


def _nowhere_near(gang: Gang) -> str:
    return (
        f"PodGroup {gang.ref} wants its members within {format_ms(gang.group.within_us)} of each "
        f"other, and no nodes so near each other have room for {gang.needs} pods"
    )


def _too_little(gang: Gang, fit: int, admitted: Admitted[Tried], total: int) -> Refusal:
    """Say that a gang has no room as a whole, and what rules nodes out for its first lone pod."""
    if fit >= gang.needs:
        what = "others go before it where they would fit together"
    else:
        what = f"{fit} could be placed together with all others that wait"
    text = f"PodGroup {gang.ref} is placed whole or not at all: {gang.needs} pods at once, {what}"
    reason = PodReason(PodCause.GROUP_ROOM, text)
    first = admitted.first
    for pending in first.batch.classes:
        if pending.pod_class.group == gang.ref and first.placing.left(pending):
            if gang.group.within_us and not pending.mask.any():
                return Refusal(total, (PodReason(PodCause.GROUP_ROOM, _nowhere_near(gang)),))
            found = refuse(first.batch, pending, first.placing)
            return Refusal(total, (reason, *found.pod_reasons), found.node_reasons, found.remedy)
    return Refusal(total, (reason,))
