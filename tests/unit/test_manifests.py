"""The shipped manifests agree with each other, with the settings and with the command line."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from scheduler.domain.pod_group import GroupApi
from scheduler.kube.kinds import GROUP_PATHS
from scheduler.objects.pod_group import resource_of
from scheduler.service.settings import SchedulerConfiguration, load_settings

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "configs" / "kubernetes"


def manifest(file: str, kind: str) -> dict[str, Any]:
    """Return the first object of a kind in a file."""
    documents = yaml.safe_load_all((MANIFESTS / file).read_text())
    found: dict[str, Any] = next(d for d in documents if d["kind"] == kind)
    return found


@pytest.fixture
def spec() -> dict[str, Any]:
    found: dict[str, Any] = manifest("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    return found


@pytest.fixture
def settings(tmp_path: Path) -> SchedulerConfiguration:
    (tmp_path / "config.yaml").write_text(
        manifest("configmap.yaml", "ConfigMap")["data"]["config.yaml"]
    )
    return load_settings(tmp_path / "config.yaml")


def mounts(spec: dict[str, Any]) -> dict[str, str]:
    """Return mount path by the name of what is mounted there."""
    volumes = {
        v["name"]: v.get("configMap", {}).get("name", "")
        or v.get("secret", {}).get("secretName", "")
        for v in spec["volumes"]
    }
    return {volumes[m["name"]]: m["mountPath"] for m in spec["containers"][0]["volumeMounts"]}


def test_the_settings_are_those_the_scheduler_is_told_to_read(spec: dict[str, Any]) -> None:
    config = manifest("configmap.yaml", "ConfigMap")
    folder = mounts(spec)[config["metadata"]["name"]]

    (key,) = config["data"]

    assert f"--config={folder}/{key}" in spec["containers"][0]["args"]


def test_the_matrix_is_looked_for_where_it_is_mounted(
    spec: dict[str, Any], settings: SchedulerConfiguration
) -> None:
    folder = PurePosixPath(settings.telemetry.matrix.path).parent

    assert str(folder) == mounts(spec)["isochrone-matrix"]


def test_replicas_elect_a_leader_by_the_lease_they_have_a_right_to(
    settings: SchedulerConfiguration,
) -> None:
    role = manifest("rbac.yaml", "Role")
    named = [rule["resourceNames"] for rule in role["rules"] if "resourceNames" in rule]

    assert settings.leader_election.enabled
    assert named == [[settings.leader_election.name]]
    assert role["metadata"]["namespace"] == settings.leader_election.namespace


def test_the_probes_ask_the_port_the_scheduler_serves(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    (port,) = [one for one in container["ports"] if one["name"] == "http"]

    assert f"--port={port['containerPort']}" in container["args"]
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


def test_replicas_run_as_the_account_that_has_the_rights(spec: dict[str, Any]) -> None:
    account = manifest("rbac.yaml", "ServiceAccount")["metadata"]
    subject = {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}

    assert spec["serviceAccountName"] == account["name"]
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        assert manifest("rbac.yaml", kind)["subjects"] == [subject]
    optional = manifest("optional/force-delete.yaml", "ClusterRoleBinding")
    assert optional["subjects"] == [subject]


def test_rights_to_free_stuck_pods_are_apart_from_those_everybody_is_to_grant() -> None:
    shipped = manifest("rbac.yaml", "ClusterRole")["rules"]
    optional = manifest("optional/force-delete.yaml", "ClusterRole")["rules"]
    asked = [(kind, verb) for r in optional for kind in r["resources"] for verb in r["verbs"]]

    assert asked == [("pods", "delete"), ("nodes", "patch")]
    for rule in shipped:
        for kind, verb in asked:
            assert kind not in rule["resources"] or verb not in rule["verbs"]


def test_replicas_are_told_apart_from_others_by_the_same_labels_everywhere(
    spec: dict[str, Any],
) -> None:
    deployment = manifest("deployment.yaml", "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    budget = manifest("deployment.yaml", "PodDisruptionBudget")["spec"]
    spread = [one["labelSelector"] for one in spec["topologySpreadConstraints"]]

    for selector in (deployment["selector"], budget["selector"], *spread):
        assert selector["matchLabels"] == labels


def test_the_definition_of_pod_groups_is_of_the_api_that_is_followed() -> None:
    definition = manifest("optional/podgroups.yaml", "CustomResourceDefinition")
    spec, names = definition["spec"], definition["spec"]["names"]
    [version] = spec["versions"]
    served = f"/apis/{spec['group']}/{version['name']}/{names['plural']}"
    columns = [column["name"] for column in version["additionalPrinterColumns"]]
    fields = version["schema"]["openAPIV3Schema"]["properties"]

    assert definition["metadata"]["name"] == resource_of(GroupApi.COSCHEDULING)
    assert served == GROUP_PATHS[GroupApi.COSCHEDULING]
    assert (spec["scope"], names["shortNames"]) == ("Namespaced", ["pg", "pgs"])
    assert columns == ["Phase", "MinMember", "Running", "Succeeded", "Failed", "Age"]
    assert fields["spec"]["properties"]["minMember"]["minimum"] == 1
    assert version["subresources"] == {"status": {}}


def test_pod_groups_of_every_api_may_be_followed() -> None:
    rules = manifest("rbac.yaml", "ClusterRole")["rules"]
    [rule] = [rule for rule in rules if rule["resources"] == ["podgroups"]]

    assert sorted(rule["apiGroups"]) == sorted(api.value for api in GROUP_PATHS)
    assert rule["verbs"] == ["get", "list", "watch"]


def test_placeholders_are_kept_where_the_scheduler_has_the_right_to_and_nowhere_else() -> None:
    settings = SchedulerConfiguration().cover.placeholders
    file = "optional/placeholders.yaml"
    account = manifest("rbac.yaml", "ServiceAccount")["metadata"]
    priority = manifest(file, "PriorityClass")

    assert manifest(file, "Namespace")["metadata"]["name"] == settings.namespace
    assert manifest(file, "Role")["metadata"]["namespace"] == settings.namespace
    assert manifest(file, "RoleBinding")["metadata"]["namespace"] == settings.namespace
    assert manifest(file, "RoleBinding")["subjects"] == [{"kind": "ServiceAccount", **account}]
    assert priority["metadata"]["name"] == settings.priority_class_name
    assert priority["value"] < 0
    assert priority["preemptionPolicy"] == "Never"
