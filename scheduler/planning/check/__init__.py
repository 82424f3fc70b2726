"""The independent check of a plan: what would be wrong if it were carried out.

Written from the rules (docs/delays.md and kube-scheduler's own), not from the code that makes
plans, and sharing nothing with it but the words of `scheduler.domain`: a mistake would have to be
made twice to pass. Exact integers throughout.
"""

from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.delays import broken_delays
from scheduler.planning.check.ledger import settle
from scheduler.planning.check.nodes import refused_nodes
from scheduler.planning.check.room import overcommitted

__all__ = ["violations"]


def violations(
    snapshot: ClusterSnapshot, plan: Plan, *, may_overflow: bool = True
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

    Returns
    -------
    tuple of str
        Each begins with the name of the rule: ``taint: default/web-0 on edge-3: …``.

    Notes
    -----
    O(pods + distinct (class, node) pairs + references x nodes) time. Soft delays and preferences
    are not checked, but what the plan *says* it measured is, soft delays included.
    """
    decided, found = settle(snapshot, plan)
    found += refused_nodes(snapshot.nodes, decided, may_overflow=may_overflow)
    found += overcommitted(snapshot.nodes, decided)
    found += broken_delays(snapshot, decided)
    return tuple(found)
