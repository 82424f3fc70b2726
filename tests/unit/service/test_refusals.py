"""Our pods that a kubelet refuses after they were bound are counted, once, and no others."""

import pytest

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.workload import Pod, PodClass
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, ServiceState, new_state

OURS = "custom-scheduler"


def told(state: ServiceState, phase: str, reason: str = "", *, scheduler: str = OURS) -> None:
    """Have the cluster say of a pod on a node what became of it."""
    pod = Pod("p", PodClass(), uid="u", scheduler_name=scheduler)
    event = PodChanged(pod, "n", phase, is_terminating=False, reason=reason)
    state.intake.apply(event, now_s=1.0, wall_s=1.0)


def service() -> ServiceState:
    """Return the state of a service that has seen nothing yet."""
    return new_state(SchedulerConfiguration(), Clock(lambda: 1.0, lambda: 1.0))


def counted(state: ServiceState) -> list[str]:
    """Return what the metric says."""
    lines = state.metrics.render().decode().splitlines()
    return [line for line in lines if line.startswith("isochrone_kubelet_refusals_total{")]


@pytest.mark.parametrize(
    "reason", ["OutOfcpu", "OutOfexample.com/gpu", "NodePorts", "NodeAffinity", "TaintToleration"]
)
def test_a_pod_that_a_kubelet_refuses_is_counted_once_by_its_reason(reason: str) -> None:
    state = service()
    told(state, "Pending")
    told(state, "Failed", reason)
    told(state, "Failed", reason)

    assert counted(state) == [f'isochrone_kubelet_refusals_total{{reason="{reason}"}} 1.0']


@pytest.mark.parametrize(("phase", "reason"), [("Failed", "Evicted"), ("Succeeded", "OutOfcpu")])
def test_a_pod_that_ran_and_ended_is_not_counted(phase: str, reason: str) -> None:
    state = service()
    told(state, "Running")
    told(state, phase, reason)

    assert counted(state) == []


def test_a_pod_that_had_failed_before_it_was_first_seen_is_not_counted() -> None:
    state = service()
    told(state, "Failed", "OutOfcpu")

    assert counted(state) == []


def test_a_pod_of_another_scheduler_is_not_counted() -> None:
    state = service()
    told(state, "Pending", scheduler="default-scheduler")
    told(state, "Failed", "OutOfcpu", scheduler="default-scheduler")

    assert counted(state) == []
