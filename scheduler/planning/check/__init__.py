"""The independent check of a plan: what would be wrong if it were carried out.

Written from the rules (docs/delays.md and kube-scheduler's own), not from the code that makes
plans, and sharing nothing with it but the words of `scheduler.domain`: a mistake would have to be
made twice to pass. Exact integers throughout.
"""

from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.affinity import lonely
from scheduler.planning.check.anti_affinity import crowded
from scheduler.planning.check.cover import CoverRules, broken_cover
from scheduler.planning.check.delays import broken_delays
from scheduler.planning.check.gangs import broken_gangs
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.ledger import settle
from scheduler.planning.check.nodes import refused_nodes
from scheduler.planning.check.ports import taken_ports
from scheduler.planning.check.promised import promised_places
from scheduler.planning.check.room import overcommitted
from scheduler.planning.check.selection import Selection
from scheduler.planning.check.skew import uneven
from scheduler.planning.check.volumes import broken_volumes

__all__ = ["CoverRules", "violations"]

_OFF = CoverRules()


def violations(
    snapshot: ClusterSnapshot, plan: Plan, *, may_overflow: bool = True, cover: CoverRules = _OFF
) -> tuple[str, ...]:
    """Return one sentence for each rule the plan breaks; none for a plan that may be carried out.

    Parameters
    ----------
    snapshot
        What the plan was made from.
    plan
        The plan. Its pods are matched by name and must equal the snapshot's pending pods.
    may_overflow
        Whether a pod without a delay may run on a node without the cloud role.
    cover
        What is asked of backups and reserves.

    Returns
    -------
    tuple of str
        Each begins with the name of the rule: ``taint: default/web-0 on edge-3: …``.

    Notes
    -----
    O(pods + distinct (class, node) pairs + references x nodes + terms x pods selected) time. Soft
    delays, soft spread and preferences are not checked, but what the plan *says* it measured is,
    soft delays included. What pods ask of each other is judged of each assigned pod in the final
    state, it alone taken out and put back; pods that were placed before are not judged.
    """
    decided, found = settle(snapshot, plan)
    promised = promised_places(snapshot)
    found += refused_nodes(snapshot.nodes, decided, may_overflow=may_overflow, promised=promised)
    found += overcommitted(snapshot.nodes, decided)
    found += broken_delays(snapshot, decided)
    found += broken_gangs(snapshot, decided)
    groups = Groups(snapshot, decided)
    everyone = Selection(groups, range(len(groups.classes)))
    found += lonely(snapshot, groups, everyone)
    found += crowded(snapshot, groups, everyone)
    found += uneven(snapshot, groups, everyone)
    found += taken_ports(snapshot.nodes, groups)
    found += broken_volumes(snapshot, decided)
    found += broken_cover(snapshot, plan, decided, cover, may_overflow=may_overflow)
    return tuple(found)
