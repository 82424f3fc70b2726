"""The decision: stages in order, each a flow settled in exact vectors; reasons for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from scheduler.domain.cover import KeptRoom
from scheduler.domain.plan import Plan, Unplaced
from scheduler.domain.pod_group import NO_GROUPS, GroupRef
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.backing import NO_BACKING, Backing
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.figures import Figures
from scheduler.placement.filling.fill import fill
from scheduler.placement.final import take_back_broken
from scheduler.placement.gangs.admission import admit, by_rank
from scheduler.placement.gangs.areas import Areas
from scheduler.placement.gangs.gang import gangs_of
from scheduler.placement.gangs.parts import refused, with_gangs
from scheduler.placement.handing_out import handed_out
from scheduler.placement.joint import better_jointly
from scheduler.placement.order import Order, Stage, order
from scheduler.placement.packing.columns import solve_columns
from scheduler.placement.packing.graph import fits_exact_integers
from scheduler.placement.packing.problem import Packing, Problem
from scheduler.placement.packing.rounding import settle
from scheduler.placement.placing import Placing, nothing_placed
from scheduler.placement.promises import keep_promises, place_in_need
from scheduler.placement.reach import reach
from scheduler.placement.repair import repaired
from scheduler.placement.settings import PlacementSettings, trying
from scheduler.placement.stage import arc_costs, carry_out, stage_problem
from scheduler.placement.together import place_together


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Where the pods of a batch go, before it is handed out: others may still improve on it."""

    batch: Batch
    placing: Placing
    figures: Figures
    promised: frozenset[int] = frozenset()
    """Numbers of the classes with pods on places that were reserved for them."""

    queue: tuple[Pod, ...] = ()
    """All pods that were up for decision, where the batch has not all of them."""

    waiting: Mapping[str, Unplaced] = field(default_factory=dict)
    """By key, the pods that are not in the batch: their groups are not placed."""

    @property
    def cost(self) -> int:
        """Cost of the nodes, cost units."""
        return self.figures.cost

    def recount(self) -> None:
        """Have the figures tell the cost of nodes as they are now: others have moved pods.

        Load and spreading are left out of it, and nothing is proven of it.
        """
        total = 0
        for pending in self.batch.classes:
            nodes = [node for node, _ in self.placing.pods.get(pending.pod_class, ())]
            if nodes:
                near = reach(self.batch, pending, self.placing.pods)
                total += int(arc_costs(self.batch, pending, near)[nodes].sum())
        self.figures.cost, self.figures.bound, self.figures.is_optimal = total, 0, False

    def plan(self, backing: Backing = NO_BACKING) -> Plan:
        """Return the plan, with backups where `backing` has them."""
        plan = handed_out(self.batch, self.placing, self.figures, backing)
        if not self.waiting:
            return plan
        refused = {one.pod.key: one for one in plan.unplaced} | dict(self.waiting)
        return replace(
            plan,
            unplaced=tuple(refused[pod.key] for pod in self.queue if pod.key in refused),
            stats=replace(plan.stats, pending=len(self.queue)),
        )


def decide(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    kept: KeptRoom | None = None,
    barred: frozenset[GroupRef] = NO_GROUPS,
) -> Decision:
    """Return where each pending pod goes, and why the others wait.

    Parameters
    ----------
    snapshot
        What is known.
    settings
        Weights and bounds on work.
    kept
        Room that is kept for failures.
    barred
        Groups that are not to be placed now.
    """
    gangs = gangs_of(snapshot)
    if not gangs:
        return _decided(snapshot, settings, kept)
    areas = Areas(snapshot, gangs, kept)
    classes = {pod.pod_class for pod in snapshot.pending}
    is_small = len(classes) * len(snapshot.nodes) <= settings.effort.exact_columns
    quick = settings if is_small or len(gangs) == 1 else trying(settings)

    def attempt(chosen: frozenset[GroupRef]) -> Decision:
        part, spare = with_gangs(snapshot, gangs, chosen)
        near = areas.of(by_rank(gangs[ref] for ref in chosen)) if areas else {}
        return _decided(part, quick, kept, spare, near)

    tried = {ref: gang for ref, gang in gangs.items() if gang.problem is None and ref not in barred}
    priorities = sorted({pod.pod_class.priority for pod in snapshot.pending}, reverse=True)
    found = admit(tried, attempt, priorities, settings.effort.gang_attempts)
    waiting = refused(snapshot, gangs, found)
    return replace(found.decision, queue=snapshot.pending, waiting=waiting)


def _decided(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    kept: KeptRoom | None,
    spare: frozenset[str] = frozenset(),
    areas: Mapping[str, Mask] | None = None,
) -> Decision:
    """Decide on all pending pods, each by itself; those of a group before others, but for spare."""
    batch = Batch(snapshot, settings, kept, spare, areas)
    placing = nothing_placed(batch)
    figures = Figures()
    promised: frozenset[int] = frozenset()
    if len(batch.table):
        promised = keep_promises(batch, placing)
        has_nominated = any(c.pod_class.nominated_node for c in batch.classes)
        is_by_priority = has_nominated or bool(batch.nominated)
        stages = order(batch.classes, batch.rules, is_by_priority=is_by_priority)
        _Deciding(batch, stages, placing, figures).run()
        take_back_broken(batch, placing, is_shaken=bool(promised))
        place_in_need(batch, placing)
        has_places = kept is not None and bool(kept.places)
        is_small = stages.has_links and not (stages.has_rules or is_by_priority or has_places)
        found = better_jointly(batch, placing) if is_small else None
        if found is not None:
            placing, figures.cost = found
            figures.bound = 0
            figures.methods.add("joint program")
    return Decision(batch, placing, figures, promised)


@dataclass(frozen=True, slots=True, eq=False)
class _Deciding:
    """Runs the stages, one after the other."""

    batch: Batch
    stages: Order
    placing: Placing
    figures: Figures

    def run(self) -> None:
        for stage in self.stages.stages:
            kept = self.batch.kept_room(stage.priority)
            if kept is not None:
                self.placing.free -= kept
            self._run_stage(stage)
            if kept is not None:
                self.placing.free += kept

    def _run_stage(self, stage: Stage) -> None:
        batch, placing, figures = self.batch, self.placing, self.figures
        for circle in stage.circles:
            place_together(batch, circle, placing)
            figures.is_optimal = False
            figures.methods.add("anchors")
        self._fill(stage.ruled)
        if self._is_large(stage):
            self._fill(_choosiest_first(stage.plain))
            return
        for chunk in _chunks(batch, stage.plain, placing, self.stages):
            problem, kept = stage_problem(batch, chunk, placing, self.stages.dependants)
            if kept:
                packing = _solve(batch, (problem, kept), placing, figures)
                carry_out(problem, packing, kept, placing)
        if self.stages.dependants:
            # Each stage is solved to its optimum, their sequence need not be.
            figures.is_optimal = False

    def _is_large(self, stage: Stage) -> bool:
        effort, n = self.batch.settings.effort, len(self.batch.table)
        return n > effort.flow_nodes or len(stage.plain) * n > effort.flow_cells

    def _fill(self, classes: Sequence[PendingClass]) -> None:
        for pending in classes:
            dependants = self.stages.dependants.get(pending.number, ())
            self.figures.cost += fill(self.batch, pending, self.placing, dependants)
            self.figures.is_optimal = False
            self.figures.methods.add("rounds")


def _choosiest_first(classes: Sequence[PendingClass]) -> list[PendingClass]:
    """Sort by rank, then by how few nodes there are to choose from."""
    return sorted(
        classes,
        key=lambda c: (
            (-c.rank[0], not c.rank[1]),
            (int(c.mask.sum()), len(c.targets) == 0, c.number),
        ),
    )


def _chunks(
    batch: Batch, classes: Sequence[PendingClass], placing: Placing, stages: Order
) -> list[Sequence[PendingClass]]:
    """Split a stage by rank where its ranks would not fit into exact integers together."""
    if not classes:
        return []
    ranks = sorted({c.rank for c in classes}, reverse=True)
    if len(ranks) == 1:
        return [classes]
    problem, _ = stage_problem(batch, classes, placing, stages.dependants)
    if fits_exact_integers(problem):
        return [classes]
    return [[c for c in classes if c.rank == rank] for rank in ranks]


def _solve(
    batch: Batch,
    stage: tuple[Problem, Sequence[PendingClass]],
    placing: Placing,
    figures: Figures,
) -> Packing:
    problem, effort = stage[0], batch.settings.effort
    answer, offered, rounds, is_proven = solve_columns(problem, effort)
    figures.arcs += answer.arcs
    figures.rounds += rounds
    packing = answer.packing
    if packing.fits(problem):
        cost = packing.cost(problem)
        figures.methods.add("flow")
        figures.bound += cost if is_proven else 0
        figures.is_optimal &= is_proven
    else:
        settled = None
        if int(problem.feasible.sum()) > effort.exact_columns:
            settled = repaired(batch, stage, packing, placing)
        if settled is None:
            settled = settle(problem, packing, offered, effort)
        packing = settled.packing
        cost = packing.cost(problem)
        figures.methods.add(settled.method)
        figures.bound += min(settled.bound, cost)
        figures.is_optimal &= settled.is_optimal
    figures.cost += cost
    return packing
