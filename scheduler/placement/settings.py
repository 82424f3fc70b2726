"""Settings of the decision. Costs are in cost units; one unit is one microsecond of RTT."""

from typing import Literal

import msgspec


class CloudSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where pods without a delay go."""

    overflow: Literal["allow", "never"] = "allow"
    """May a pod without a delay use an edge node when the cloud is full? ``never``: it waits."""


class CostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a node costs. Weights are whole numbers; 0 switches a term off."""

    latency_weight: int = 1
    """Cost units per microsecond of RTT to each reference."""

    margin_weight: int = 10
    """Cost units per microsecond of RTT above nine tenths of a budget, where RTTs are measured
    live: at the very edge of a budget, as much as the whole budget costs. A preference, no filter;
    a matrix in a file does not drift, and costs nothing here."""

    balance_weight: int = 100
    """Cost units for the step from an empty to a full node: 0.1 ms, a tie-break. Least latency is
    promised first; pods without a delay have no latency, and load alone decides for them."""

    spread_domain_weight: int = 20_000
    """Cost units for the second replica in a failure domain, twice that for the third, …: 20 ms, so
    that replicas leave a shared domain unless everything else is much farther."""

    spread_zone_weight: int = 5_000
    """The same for replicas in one zone of the smallest layer."""

    spread_node_weight: int = 20_000
    """The same for replicas on one node, on top of the two above."""

    score_weight: int = 500
    """Cost units per point that a wish leaves unmet: preferred node affinity, PreferNoSchedule
    taints, preferred pod affinity, soft topology spread, images. Points are kube-scheduler's, 0 to
    100 a plugin, times its weight (taints 3, node affinity 2, spread 2, pod affinity 2, images 1):
    the strongest node affinity weighs as much as 100 ms."""

    soft_delay_weight: int = 2
    """Cost units per microsecond by which a soft delay is exceeded, on top of the latency."""


class EffortSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Bounds on work, never on seconds, so that the same input gives the same plan."""

    columns_per_class: int = 48
    """Cheapest nodes a class starts with; 32 to 64 measured best. Duals bring in the rest."""

    pricing_rounds: int = 40
    """Most rounds of column generation. Ten sufficed for 100,000 pods on 12,500 nodes."""

    flow_cells: int = 60_000
    """Most classes times nodes of a stage that is decided by a flow, all at once; a larger stage is
    filled class by class, the choosiest first: 490 nodes and 120 classes."""

    flow_nodes: int = 2_500
    """Most nodes of a cluster whose stages are decided by a flow: with more, its first arcs alone
    take longer than filling, and of so many nodes an equally good one is always near."""

    settle_columns: int = 20_000
    """Most columns of a contested stage whose best packing is searched for where repairing its flow
    leaves a pod out or costs more than half a percent; of a larger one the repair is taken."""

    program_nodes: int = 20
    """Most branch-and-bound nodes of one integer program."""

    program_columns: int = 60_000
    """Most columns of a contested stage's relaxation; beyond it only classes on contested nodes
    keep their choice."""

    joint_columns: int = 40
    """Most columns of a batch whose pods refer to each other that is decided in one program: a
    hundred can take seconds. Four times as many where the stages left a pod out."""

    joint_nodes: int = 10
    """Most branch-and-bound nodes of such a program."""

    exact_columns: int = 600
    """Most columns for which the cheapest packing is proven too, not only the fullest. Larger
    contested stages are improved by ejection chains: proving them takes minutes."""

    cost_gap_ppm: int = 1_000
    """How near the proven bound is near enough, in millionths: a fifth of the budget of 0.5 %."""

    window_pivots: int = 500
    """Most simplex pivots spent on re-deciding a contested stage a few nodes at a time for less
    cost: about 0.1 s. The offline `plan` spends more."""

    fullest_pivots: int = 8_000
    """Most simplex pivots spent on placing pods that are left out although the relaxation places
    more: about 2 s, spent only then. The offline `plan` spends more."""

    gang_attempts: int = 12
    """Most decisions made to win back pod groups that were dropped from the first choice. The
    offline `plan` spends more."""

    chain_steps: int = 3_000
    """Most steps one ejection-chain search looks at."""

    chain_work: int = 60_000
    """Most steps of all searches that put a contested stage's pods elsewhere: about 0.2 s. The
    offline `plan` spends more."""


OFFLINE_EFFORT = EffortSettings(
    flow_cells=50_000_000,
    flow_nodes=1_000_000,
    settle_columns=50_000_000,
    program_nodes=20,
    exact_columns=2_500,
    window_pivots=12_000,
    fullest_pivots=60_000,
    joint_columns=150,
    joint_nodes=20,
    gang_attempts=60,
    chain_steps=12_000,
    chain_work=400_000,
)
"""For the offline `plan`, which has seconds where the service has milliseconds."""


_TRYING_WORK = 6_000
"""As `EffortSettings.chain_work`, in an attempt."""


class PlacementSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """All that a decision depends on besides the snapshot."""

    cloud: CloudSettings = CloudSettings()
    cost: CostSettings = CostSettings()
    effort: EffortSettings = EffortSettings()


def trying(settings: PlacementSettings) -> PlacementSettings:
    """Return the settings of one of many attempts at a choice of pod groups.

    All but one are thrown away, and the rest of the effort finds room for one pod in a hundred.
    """
    effort = settings.effort
    quick = msgspec.structs.replace(
        effort,
        window_pivots=0,
        fullest_pivots=0,
        chain_work=min(effort.chain_work, _TRYING_WORK),
    )
    return msgspec.structs.replace(settings, effort=quick)
