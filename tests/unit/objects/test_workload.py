"""Pods of workloads: how many, and how they are called."""

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.workload import WorkloadRef
from scheduler.objects.pod import read_pod
from scheduler.objects.workload import pods_of

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}}
NAMED = {"metadata": {"name": "pod"}, "spec": {"containers": [{"name": "c"}]}}


def workload(kind: str, template: object = None, **spec: object) -> dict[str, object]:
    return {
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template or TEMPLATE} | spec,
    }


def names_of(obj: dict[str, object]) -> list[str]:
    return [read_pod(pod).name for pod in pods_of(obj)]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(workload("Deployment"), ["web"], id="after the Deployment"),
        pytest.param(workload("Deployment", NAMED), ["pod"], id="after the template"),
        pytest.param(workload("Deployment", replicas=1), ["web"], id="one replica"),
        pytest.param(workload("Deployment", replicas=None), ["web"], id="null is the default"),
        pytest.param(
            workload("Deployment", NAMED, replicas=3), ["pod-0", "pod-1", "pod-2"], id="numbered"
        ),
        pytest.param(workload("Deployment", replicas=0), [], id="none"),
        pytest.param(workload("ReplicaSet", replicas=2), ["web-0", "web-1"], id="ReplicaSet"),
        pytest.param(workload("ReplicationController"), ["web"], id="ReplicationController"),
        pytest.param(workload("StatefulSet"), ["web-0"], id="a StatefulSet always numbers"),
        pytest.param(
            workload("StatefulSet", replicas=2, ordinals={"start": 5}), ["web-5", "web-6"],
            id="a StatefulSet's start",
        ),
        pytest.param(workload("Job"), ["web"], id="Job"),
        pytest.param(
            workload("Job", parallelism=3, completions=2), ["web-0", "web-1"],
            id="a Job runs no more than it completes",
        ),
        pytest.param(workload("Job", suspend=True), [], id="a suspended Job"),
    ],
)  # fmt: skip
def test_pods_are_named_after_template_or_workload(
    obj: dict[str, object], expected: list[str]
) -> None:
    assert names_of(obj) == expected


def test_a_pod_knows_its_workload_and_namespace() -> None:
    (pod,) = pods_of(workload("Deployment"))

    assert read_pod(pod).key == "shop/web"
    assert read_pod(pod).pod_class.workload == WorkloadRef("Deployment", "shop", "web")
    assert read_pod(pod).pod_class.labels == (("app", "web"),)


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (workload("DaemonSet"), "has one pod a node"),
        (workload("CronJob"), "use Deployment, ReplicaSet"),
        (workload("Deployment", replicas=-1), "spec.replicas: is -1"),
        (workload("Deployment", replicas=10**12), "spec.replicas: is 1000000000000"),
        (workload("Deployment", replicas="2"), "spec.replicas: is text (2); write a whole number"),
        (workload("Deployment", replicas=1.5), "spec.replicas: is a number (1.5)"),
        (workload("Deployment", replicas=True), "spec.replicas: is true or false (true)"),
        (workload("Deployment", {"metadata": {}}), "spec.template: is missing"),
        (workload("Deployment", []) | {"spec": {}}, "spec.template: is missing"),
        (workload("Deployment", ["a"]), "spec.template: is a list"),
        (workload("Deployment", {"metadata": {"name": 5}, "spec": {}}), "template.metadata.name"),
        (workload("Deployment") | {"metadata": {}}, "has no metadata.name"),
        (workload("Deployment") | {"spec": "x"}, "Deployment shop/web: spec: is text (x)"),
    ],
)
def test_a_malformed_workload_is_refused(obj: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        pods_of(obj)

    assert said in str(caught.value)
