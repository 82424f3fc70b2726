"""Pods as they are written, read into the domain's words."""

import json

import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.errors import InputError
from scheduler.domain.workload import (
    NodeTerm,
    Operator,
    Pod,
    PreferredTerm,
    Requirement,
    Toleration,
    WorkloadRef,
)
from scheduler.objects.pod import (
    is_terminating,
    pod_node_name,
    pod_phase,
    read_pod,
    read_pod_changed,
)


def written(spec: dict[str, object] | None = None, **metadata: object) -> dict[str, object]:
    return {
        "kind": "Pod",
        "metadata": {"name": "web"} | metadata,
        "spec": {"containers": [{"name": "c"}]} | (spec or {}),
    }


def pod_with(spec: dict[str, object] | None = None, **metadata: object) -> Pod:
    return read_pod(written(spec, **metadata))


def delays_of(text: str) -> tuple[DelayConstraint, ...]:
    found = pod_with(annotations={"isochrone.dev/delay": text}).pod_class
    assert found.faults == ()
    return found.delays


def test_json_and_trees_read_alike() -> None:
    obj = written({"priority": 3}, labels={"app": "web", "delay_edge-1": "2.5"}, uid="u")

    assert read_pod(json.dumps(obj).encode()) == read_pod(obj)


def test_fields_that_do_not_matter_are_ignored() -> None:
    obj = written({"dnsPolicy": 5, "securityContext": []}, managedFields="anything")

    assert read_pod(obj) == read_pod(written())


def test_a_delay_label_is_a_budget_and_stays_a_label_for_selectors() -> None:
    found = pod_with(labels={"app": "web", "delay_edge-1": "2.5"}).pod_class

    assert [(d.reference, d.within_us) for d in found.delays] == [
        (Reference("auto", "edge-1", "default"), 2_500)
    ]
    assert found.labels == (("app", "web"), ("delay_edge-1", "2.5"))


@pytest.mark.parametrize(("value", "within_us"), [(25, 25_000), (2.5, 2_500), ("0.04", 40)])
def test_a_bare_number_reads_as_its_text(value: object, within_us: int) -> None:
    assert pod_with(labels={"delay_a": value}).pod_class.delays[0].within_us == within_us


@pytest.mark.parametrize(
    "value", ["fast", "0", "-3", "nan", "", "25ms", "1e3", True, None, [5], {"a": 1}, -7, "9" * 500]
)
def test_a_bad_delay_is_a_fault_that_names_key_and_value(value: object) -> None:
    (fault,) = pod_with(labels={"delay_edge-1": value, "delay_b": "5"}).pod_class.faults

    assert fault.key == "delay_edge-1"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    assert value is None or isinstance(value, list | dict) or shown[:50] in fault.value
    assert len(str(fault)) < 250


def test_a_label_that_only_contains_the_prefix_is_no_delay() -> None:
    found = pod_with(labels={"my-delay_a": "5", "example.com/delay_b": "5"}).pod_class

    assert (found.delays, found.faults) == ((), ())


def test_the_annotation_says_what_a_label_cannot() -> None:
    found = delays_of(
        "- {to: node/edge-1.rack-2.example.net, within: 25ms}\n"
        "- {to: service/db, within: 10ms, of: all}\n"
        "- {to: deployment/cache, namespace: shared, within: 800us, soft: true}\n"
        "- {to: edge-1, within: 1s}\n"
    )

    assert [d.reference for d in found] == [
        Reference("node", "edge-1.rack-2.example.net", "default"),
        Reference("service", "db", "default"),
        Reference("workload", "cache", "shared", "deployment"),
        Reference("auto", "edge-1", "default"),
    ]
    assert [d.within_us for d in found] == [25_000, 10_000, 800, 1_000_000]
    assert [d.quantifier for d in found] == [None, Quantifier.ALL, None, None]
    assert [d.is_soft for d in found] == [False, False, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write a list"),
        ("to: node/a", "write a list"),
        ("[", "write a list"),
        ("&a [*a]", "write a list"),
        ("[" * 5000, "write a list"),
        ("- node/a", "write each entry as"),
        ("- {to: node/a, within: 25}", "with its unit"),
        ("- {to: node/a, within: 0ms}", "with its unit"),
        ("- {to: node/a, within: fast}", "with its unit"),
        ("- {to: node/a, within: 9999999s}", "with its unit"),
        ("- {to: node/a}", "with its unit"),
        ("- {within: 5ms}", "write to:"),
        ("- {to: moon/a, within: 5ms}", "kind/name"),
        ("- {to: node/, within: 5ms}", "kind/name"),
        ("- {to: node/a/b, within: 5ms}", "kind/name"),
        ("- {to: node/a, within: 5ms, of: most}", "of: any or of: all"),
        ("- {to: node/a, within: 5ms, soft: maybe}", "soft: true or soft: false"),
        ("- {to: node/a, within: 5ms, namespace: x}", "a node has no namespace"),
        ("- {to: pod/a, within: 5ms, namespace: 3}", "namespace as a name"),
        ("- {to: node/a, witin: 5ms}", "witin is no field"),
        (5, "block of text"),
    ],
)
def test_a_bad_annotation_is_a_fault_that_says_what_to_write(text: object, said: str) -> None:
    (fault,) = pod_with(annotations={"isochrone.dev/delay": text}).pod_class.faults

    assert fault.key == "isochrone.dev/delay"
    assert said in fault.fix


def test_one_bad_entry_leaves_the_others_and_is_still_a_fault() -> None:
    text = "- {to: node/a, within: 5ms}\n- {to: node/b}\n"
    found = pod_with(annotations={"isochrone.dev/delay": text}).pod_class

    assert (len(found.delays), len(found.faults)) == (1, 1)


def test_an_empty_list_of_delays_asks_for_nothing() -> None:
    assert delays_of("[]") == ()


@pytest.mark.parametrize(
    ("owner", "labels", "expected"),
    [
        (("ReplicaSet", "web-5d4f"), {"pod-template-hash": "5d4f"}, ("Deployment", "web")),
        (("ReplicaSet", "web"), {}, ("ReplicaSet", "web")),
        (("ReplicaSet", "web-x"), {"pod-template-hash": "5d4f"}, ("ReplicaSet", "web-x")),
        (("StatefulSet", "db"), {}, ("StatefulSet", "db")),
    ],
)
def test_the_top_controller_owns_the_pod(
    owner: tuple[str, str], labels: dict[str, str], expected: tuple[str, str]
) -> None:
    owners = [
        {"kind": "Gang", "name": "other"},
        {"kind": owner[0], "name": owner[1], "controller": True},
    ]
    found = pod_with(namespace="shop", labels=labels, ownerReferences=owners).pod_class.workload

    assert found == WorkloadRef(expected[0], "shop", expected[1])


def test_a_mirror_pod_of_a_node_has_no_workload() -> None:
    owners = [{"kind": "Node", "name": "n1", "controller": True}]

    assert pod_with(ownerReferences=owners).pod_class.workload is None


def test_replicas_of_a_stateful_set_are_one_class() -> None:
    owners = [{"kind": "StatefulSet", "name": "db", "controller": True}]
    first, second = (
        pod_with(
            name=f"db-{k}",
            ownerReferences=owners,
            labels={
                "app": "db",
                "statefulset.kubernetes.io/pod-name": f"db-{k}",
                "apps.kubernetes.io/pod-index": str(k),
            },
        )
        for k in range(2)
    )

    assert first.pod_class == second.pod_class


def test_which_nodes_a_pod_asks_for() -> None:
    required = {
        "nodeSelectorTerms": [
            {
                "matchExpressions": [
                    {"key": "disk", "operator": "In", "values": ["ssd"]},
                    {"key": "cores", "operator": "Gt", "values": ["8"]},
                ]
            },
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
            {},
        ]
    }
    preferred = [{"weight": 5, "preference": {"matchExpressions": [
        {"key": "gpu", "operator": "DoesNotExist"}]}}]  # fmt: skip
    spec = {
        "nodeSelector": {"pool": "edge"},
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": required,
                "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            }
        },
        "tolerations": [{"operator": "Exists"}, {"key": "k", "value": "v", "effect": "NoExecute"}],
        "nodeName": "n1",
        "priority": 7,
        "schedulerName": "custom-scheduler",
        "schedulingGates": [{"name": "wait"}],
    }

    pod = pod_with(spec)

    found = pod.pod_class
    assert found.node_selector == (("pool", "edge"),)
    assert found.required_nodes == (
        NodeTerm((Requirement("disk", "In", ("ssd",)), Requirement("cores", "Gt", ("8",)))),
        NodeTerm(fields=(Requirement("metadata.name", "In", ("n1",)),)),
        NodeTerm(),
    )
    gpu = NodeTerm((Requirement("gpu", "DoesNotExist"),))
    assert found.preferred_nodes == (PreferredTerm(5, gpu),)
    assert found.tolerations == (
        Toleration("", "Exists"),
        Toleration("k", "Equal", "v", "NoExecute"),
    )
    assert (found.node_name, found.priority) == ("n1", 7)
    assert (pod.scheduler_name, pod.is_gated) == ("custom-scheduler", True)


def test_no_terms_match_no_node_and_no_affinity_asks_for_nothing() -> None:
    affinity: dict[str, object] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}
    }

    assert pod_with({"affinity": affinity}).pod_class.required_nodes == ()
    assert pod_with({"affinity": {"nodeAffinity": {}}}).pod_class.required_nodes is None


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"volumes": [{"name": "d", "fromTheFuture": {}}]}, "volume d (fromTheFuture)"),
        ({"resourceClaims": [{"name": "gpu"}]}, "resource claims"),
        ({"workloadRef": {"name": "g"}}, "workload reference"),
    ],
)
def test_what_is_not_implemented_is_named(spec: dict[str, object], said: str) -> None:
    assert pod_with(spec).pod_class.unsupported == (said,)


@pytest.mark.parametrize(
    "spec",
    [
        {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "b"}}]},
        {"volumes": [{"name": "a", "secret": {}}, {"name": "b", "projected": {}}, {"name": "c"}]},
        {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "downwardAPI": {}}]},
        {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]},
        {"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 1}]},
        {"affinity": {"podAffinity": {REQUIRED: []}, "podAntiAffinity": {}}},
        {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]},
    ],
)
def test_what_asks_nothing_of_a_node_is_placed(spec: dict[str, object]) -> None:
    assert pod_with(spec).pod_class.unsupported == ()


def test_a_bound_pods_node_is_no_part_of_its_class() -> None:
    obj = written({"nodeName": "n1"}, deletionTimestamp="2026-01-01T00:00:00Z")
    obj["status"] = {"phase": "Running"}

    changed = read_pod_changed(obj)

    assert (changed.node, changed.phase, changed.is_terminating) == ("n1", "Running", True)
    assert changed.pod.pod_class.node_name == ""
    assert (pod_node_name(obj), pod_phase(obj), is_terminating(obj)) == ("n1", "Running", True)


def test_a_pod_that_says_nothing_of_itself_is_pending() -> None:
    changed = read_pod_changed(written())

    assert (changed.node, changed.phase, changed.is_terminating) == ("", "Pending", False)


def test_why_a_pod_failed_is_told_in_a_word() -> None:
    obj = written({"nodeName": "n1"})
    obj["status"] = {"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected: …"}

    assert read_pod_changed(obj).reason == "OutOfcpu"
    assert read_pod_changed(written()).reason == ""


@pytest.mark.parametrize("value", ["many", "1.5", "", "99999999999999999999", "0x10"])
@pytest.mark.parametrize("operator", ["Gt", "Lt"])
def test_a_bound_that_is_no_whole_number_is_read_as_the_api_server_takes_it(
    operator: Operator, value: str
) -> None:
    expression = {"key": "cores", "operator": operator, "values": [value]}
    required = {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}

    found = pod_with({"affinity": {"nodeAffinity": required}}).pod_class.required_nodes

    assert found == (NodeTerm((Requirement("cores", operator, (value,)),)),)


def test_the_creation_time_is_in_seconds() -> None:
    assert pod_with(creationTimestamp="1970-01-01T00:01:00Z").created_s == 60.0


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (written(name=None), "has no metadata.name"),
        (written(name="a/b"), 'metadata.name is "a/b"'),
        (written(name=3), "metadata.name: is a whole number (3); write text"),
        (written(labels=["a"]), "metadata.labels: is a list"),
        (written(labels={"on": True}), "metadata.labels.on: is true"),
        (written(labels={"a": {}}), "metadata.labels.a: is {}"),
        (written(creationTimestamp="today"), '"today" is not a time'),
        (written({"containers": []}), "spec.containers: is empty"),
        (written({"containers": {}}), "spec.containers: is a mapping"),
        (written({"containers": ["c"]}), "spec.containers[0]: is text (c)"),
        (written({"containers": None}), "spec.containers: is empty"),
        (written({"priority": "high"}), "spec.priority: is text (high)"),
        (written({"nodeSelector": {"a": []}}), "spec.nodeSelector.a: is []"),
        (written({"tolerations": [{"key": "a", "operator": "Like"}]}), "use Equal, Exists"),
        (written({"tolerations": [{"key": "a", "effect": "Never"}]}), 'is "Never"'),
        (written({"tolerations": [{"value": "a"}]}), "spec.tolerations[0]: has no key"),
        (written({"tolerations": {}}), "spec.tolerations: is a mapping"),
        ({"metadata": {"name": "web"}}, "spec.containers: is empty"),
        ([], "Pod: is a list"),
        (None, "Pod: is nothing"),
        (b"{", "Pod: is not JSON"),
        (b"\xff\xfe", "Pod: is not JSON"),
    ],
)
def test_a_malformed_pod_is_refused_with_object_path_and_value(obj: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pod(obj)  # type: ignore[arg-type] # malformed on purpose

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ({"operator": "In", "values": ["a"]}, "has no key"),
        ({"key": "a", "operator": "Near", "values": ["a"]}, 'is "Near"'),
        ({"key": "a", "operator": "In"}, "give at least one value"),
        ({"key": "a", "operator": "Exists", "values": ["a"]}, 'is ["a"], given with Exists'),
        ({"key": "a", "operator": "Gt"}, "is []; give exactly one whole number"),
        ({"key": "a", "operator": "Lt", "values": ["1", "2"]}, 'is ["1", "2"]; give exactly one'),
        ({"key": "a", "operator": "In", "values": [True]}, "write text"),
    ],
)
def test_a_malformed_node_affinity_is_refused(expression: dict[str, object], said: str) -> None:
    required = {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}

    with pytest.raises(
        InputError, match=r"Pod default/web: spec\.affinity\.nodeAffinity"
    ) as caught:
        pod_with({"affinity": {"nodeAffinity": required}})

    assert said in str(caught.value)


def test_a_skew_beyond_all_counts_is_the_largest() -> None:
    even = {"topologyKey": "zone", "maxSkew": 1 << 63, "whenUnsatisfiable": "DoNotSchedule"}

    (constraint,) = pod_with({"topologySpreadConstraints": [even]}).pod_class.spread

    assert constraint.max_skew == (1 << 31) - 1
