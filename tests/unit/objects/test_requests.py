"""What a pod asks for, held against cases of Kubernetes' own resource helpers."""

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.resources import Resources
from scheduler.objects.pod import read_pod

MIB = 1 << 20


def container(
    requests: dict[str, object] | None = None, limits: dict[str, object] | None = None
) -> dict[str, object]:
    return {"name": "c", "resources": {"requests": requests, "limits": limits}}


def sidecar(requests: dict[str, object]) -> dict[str, object]:
    return container(requests) | {"restartPolicy": "Always"}


def requests_of(**spec: object) -> Resources:
    spec.setdefault("containers", [container()])
    return read_pod({"metadata": {"name": "p"}, "spec": spec}).pod_class.requests


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {}, id="nothing asked"),
        pytest.param(
            {"containers": [container({"cpu": "100m"}), container({"cpu": "0.2"})]},
            {"cpu": 300},
            id="containers are added",
        ),
        pytest.param(
            {"containers": [container(limits={"cpu": 1, "memory": "1Mi"})]},
            {"cpu": 1000, "memory": MIB},
            id="a limit without a request is the request",
        ),
        pytest.param(
            {"containers": [container({"cpu": "100m"}, {"cpu": "2", "memory": "3Mi"})]},
            {"cpu": 100, "memory": 3 * MIB},
            id="a limit stands in only where the request is missing",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m"})],
                "initContainers": [container({"cpu": "500m"}), container({"cpu": "300m"})],
            },
            {"cpu": 500},
            id="init containers run one after the other",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m"})],
                "initContainers": [sidecar({"cpu": "200m"}), sidecar({"cpu": "50m"})],
            },
            {"cpu": 350},
            id="sidecars run beside the containers",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m"})],
                "initContainers": [
                    sidecar({"cpu": "200m"}),
                    container({"cpu": "500m"}),
                    sidecar({"cpu": "50m"}),
                ],
            },
            {"cpu": 700},
            id="an init container runs with the sidecars before it, not with those after",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "1", "memory": "1Mi"})],
                "initContainers": [container({"cpu": "500m", "memory": "4Mi"})],
            },
            {"cpu": 1000, "memory": 4 * MIB},
            id="the larger of both is taken per resource",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m", "example.com/gpu": 2})],
                "overhead": {"cpu": "250m", "memory": "120Mi"},
            },
            {"cpu": 350, "memory": 120 * MIB, "example.com/gpu": 2},
            id="overhead is added",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m", "memory": "1Mi"})],
                "resources": {"requests": {"cpu": "2"}},
                "overhead": {"cpu": "1"},
            },
            {"cpu": 3000, "memory": MIB},
            id="pod-level requests replace the sum for what they name",
        ),
        pytest.param(
            {
                "containers": [container({"cpu": "100m"})],
                "resources": {"limits": {"cpu": "2", "memory": "5Mi"}},
            },
            {"cpu": 100, "memory": 5 * MIB},
            id="a pod-level limit counts where no container asks",
        ),
        pytest.param(
            {
                "containers": [container({"hugepages-2Mi": "2Mi"})],
                "resources": {"limits": {"hugepages-2Mi": "8Mi"}},
            },
            {"hugepages-2Mi": 8 * MIB},
            id="huge pages follow the pod-level limit",
        ),
        pytest.param(
            {"containers": [container({"cpu": "0.4m"}), container({"cpu": "0.4m"})]},
            {"cpu": 1},
            id="the sum is rounded up, not its parts",
        ),
        pytest.param(
            {
                "containers": [
                    container({"memory": "1.5Gi"}),
                    container({"memory": "500M"}),
                    container({"memory": "1e9"}),
                ]
            },
            {"memory": 1536 * MIB + 500_000_000 + 1_000_000_000},
            id="all spellings of a quantity",
        ),
        pytest.param(
            {"containers": [container({"ephemeral-storage": "10Gi", "cpu": None})]},
            {"ephemeral-storage": 10 * 1024 * MIB},
            id="a null is not given",
        ),
    ],
)
def test_requests_are_counted_as_kubernetes_counts_them(
    spec: dict[str, object], expected: dict[str, int]
) -> None:
    assert dict(requests_of(**spec)) == expected


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("abc", '"abc" is not a quantity'),
        ("1.5gb", '"1.5gb" is not a quantity'),
        ("", '"" is not a quantity'),
        ("-1Gi", "a quantity is at least 0"),
        (-1, "a quantity is at least 0"),
        (True, '"true" is not a quantity'),
        ([1], '"[1]" is not a quantity'),
        ("nan", '"nan" is not a quantity'),
        (float("inf"), "is not a quantity"),
    ],
)
def test_a_bad_quantity_is_named_with_its_path(quantity: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        requests_of(containers=[container(), container({"memory": quantity})])

    assert str(caught.value).startswith(
        "Pod default/p: spec.containers[1].resources.requests.memory"
    )
    assert said in str(caught.value)


@pytest.mark.parametrize("quantity", ["1e400", 1e300, "9" * 400, "1e999", "9E"])
def test_an_absurd_quantity_is_more_than_any_node_has_and_no_error(quantity: object) -> None:
    asked = dict(requests_of(containers=[container({"memory": quantity})] * 3))

    assert asked["memory"] >= 1 << 60
    assert asked["memory"] < 1 << 62
