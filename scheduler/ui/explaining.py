"""Why a pod of the running service is where it is, or waits; asked of the core as things are."""

from collections.abc import Callable

from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.explain import Explanation
from scheduler.placement.settings import PlacementSettings
from scheduler.service.pod_columns import PodRecord, PodState
from scheduler.service.queued_pod import Stage
from scheduler.service.state import PlanFunction, ServiceState
from scheduler.ui.delays import PlacedDelays

ExplainFunction = Callable[[ClusterSnapshot, Plan, str, PlacementSettings], Explanation]
Work = Callable[[], list[str]]


def explaining(
    state: ServiceState, key: str, plan: PlanFunction, explain: ExplainFunction
) -> Work | None:
    """Return the work of explaining a pod, to be run anywhere; None for a pod that is not known.

    What is known is frozen here. A placed pod is judged as if it alone were placed again; a pod
    that waits is decided on anew, together with all that wait.
    """
    record = state.cache.pods.get(key)
    if record is None:
        return None
    plain = _plain_answer(state, record)
    if plain:
        return lambda: [plain]
    if record.node:
        return _placed(state, record.pod, record.node, explain)
    return _waiting(state, key, plan, explain)


def _plain_answer(state: ServiceState, record: PodRecord) -> str:
    """Return the answer where no decision is behind it, else the empty string."""
    pod, node = record.pod, record.node
    queued = state.queue.get(pod.key)
    if record.state is PodState.FINISHED:
        return f"{pod.key} has finished; it takes no room any more"
    if node and state.cache.node(node) is None:
        return f"{pod.key} is bound to {node}, a node that is gone"
    if not state.intake.is_ours(pod):
        where = f"is on {node}" if node else "waits"
        named = pod.scheduler_name or "default-scheduler"
        return f"{pod.key} {where}; it is addressed to {named}, which decides on it"
    if not node and queued is None:
        return f"{pod.key} is on its way out"
    if queued is not None and queued.stage is Stage.GATED:
        return f"{pod.key} waits for its scheduling gates to be removed"
    return ""


def _placed(state: ServiceState, pod: Pod, node: str, explain: ExplainFunction) -> Work:
    held, now_s = state.intake.held(), state.clock.wall_s()
    as_it_is = state.cache.freeze((), now_s, held)
    with state.cache.pods.without((pod,)):
        without_it = state.cache.freeze((pod,), now_s, held)
    settings = state.settings.placement

    def work() -> list[str]:
        slot = next(k for k, one in enumerate(as_it_is.placed.pods) if one.key == pod.key)
        made = Assignment(pod, node, PlacedDelays(as_it_is).of(slot))
        return list(explain(without_it, Plan((made,)), pod.key, settings).lines())

    return work


def _waiting(state: ServiceState, key: str, plan: PlanFunction, explain: ExplainFunction) -> Work:
    pods = [
        queued.pod
        for queued in state.queue.entries()
        if queued.stage is not Stage.GATED and state.cache.pods.is_pending(queued.pod)
    ]
    asked = {pod.key for pod in pods}
    held = [pod for pod in state.intake.held() if pod.key not in asked]
    snapshot = state.cache.freeze(pods, state.clock.wall_s(), held)
    settings = state.settings.placement

    def work() -> list[str]:
        return list(explain(snapshot, plan(snapshot, settings), key, settings).lines())

    return work
