"""Volumes on a real control plane: its volume controller, and an imitation of a provisioner."""

from pathlib import Path

import pytest

from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import node, pod, pod_spec
from tests.real.schedulers import Scheduler
from tests.real.storage import Provisioner, Storage, claim_spec, using

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

FAILED = 'running PreBind plugin "VolumeBinding": binding volumes: '


def notes(cluster: Cluster, name: str) -> list[str]:
    """Return why a pod waited, as its events tell."""
    return [event["note"] for event in cluster.events(name, "FailedScheduling")]


def set_of_three(name: str, storage_class: str) -> Object:
    """Return a StatefulSet whose pods each have a claim of their own."""
    spec = pod_spec()
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 3,
            "podManagementPolicy": "Parallel",
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
            "volumeClaimTemplates": [
                {"metadata": {"name": "data"}, "spec": claim_spec(storage_class)}
            ],
        },
    }


def test_a_local_volume_is_reserved_and_its_pod_is_bound_to_its_node(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1"), node("n-2"), node("n-3")])
    disk = storage.add_local_volume("disk", "n-2")
    storage.add_claim("data", storage.waits)
    cluster.add_pods([using(pod("db"), "data")])

    with Scheduler(kubeconfig, tmp_path):
        assert cluster.wait_for_bound(1) == {"db": "n-2"}

    claim, volume = storage.claim("data"), storage.volume(disk)
    assert claim["spec"]["volumeName"] == disk
    assert claim["status"]["phase"] == "Bound"
    reference = volume["spec"]["claimRef"]
    assert (reference["kind"], reference["apiVersion"]) == ("PersistentVolumeClaim", "v1")
    assert (reference["name"], reference["uid"]) == ("data", claim["metadata"]["uid"])
    assert volume["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes"


def test_of_two_pods_each_gets_its_own_volume(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1"), node("n-2")])
    disks = [storage.add_local_volume(f"disk-{n}", f"n-{n}") for n in (1, 2)]
    for name in ("a", "b", "c"):
        storage.add_claim(name, storage.waits)
    cluster.add_pods([using(pod(name), name) for name in ("a", "b", "c")])

    with Scheduler(kubeconfig, tmp_path):
        bound = cluster.wait_for_bound(2)
        [left] = {"a", "b", "c"} - set(bound)
        cluster.wait_until(lambda: bool(notes(cluster, left)), "the third says why it waits")

    assert {storage.claim(name)["spec"]["volumeName"] for name in bound} == set(disks)
    assert sorted(bound.values()) == ["n-1", "n-2"]
    said = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
    assert notes(cluster, left)[0].startswith(said[:-1])


def test_a_volume_is_provisioned_where_the_pod_is_to_run(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("full", cpu="100m"), node("free")])
    storage.add_claim("data", storage.made)
    cluster.add_pods([using(pod("db", cpu="1"), "data")])

    with Scheduler(kubeconfig, tmp_path) as scheduler, Provisioner(storage, cluster):
        assert cluster.wait_for_bound(1) == {"db": "free"}
        assert scheduler.metric('isochrone_volume_bindings_total{result="bound"}') == 1

    assert storage.selected("data") == "free"
    assert notes(cluster, "db") == []


def test_a_provisioner_that_gives_up_is_asked_again(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1")])
    storage.add_claim("data", storage.made)
    cluster.add_pods([using(pod("db"), "data")])

    with Scheduler(kubeconfig, tmp_path), Provisioner(storage, cluster, failures=2):
        cluster.wait_for_bound(1)

    assert notes(cluster, "db") == [f'{FAILED}provisioning failed for PVC "data"']
    condition = cluster.condition("db")
    assert condition is not None
    assert condition["status"] == "True"


def test_what_takes_too_long_gives_its_node_back(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1", cpu="1")])
    storage.add_claim("data", storage.made)
    cluster.add_pods([using(pod("db", cpu="1"), "data")])
    settings = {"volumes": {"bindTimeoutSeconds": 3}}

    with Scheduler(kubeconfig, tmp_path, settings=settings):
        cluster.wait_until(lambda: storage.selected("data") == "n-1", "the claim has its node")
        cluster.add_pods([pod("other", cpu="1")])

        assert cluster.wait_for_bound(1) == {"other": "n-1"}

    assert notes(cluster, "db")[0] == f"{FAILED}context deadline exceeded"


def test_a_scheduler_that_starts_anew_binds_where_the_one_before_has_begun(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1"), node("n-2"), node("n-3")])
    storage.add_claim("data", storage.made)
    cluster.add_pods([using(pod("db"), "data")])
    with Scheduler(kubeconfig, tmp_path) as first:
        cluster.wait_until(lambda: bool(storage.selected("data")), "the claim has its node")
        selected = storage.selected("data")
        first.program.kill()
    assert cluster.bound() == {}

    with Scheduler(kubeconfig, tmp_path), Provisioner(storage, cluster):
        assert cluster.wait_for_bound(1) == {"db": selected}


def test_pods_of_a_stateful_set_have_a_volume_each_and_return_to_it(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node(f"n-{n}", cpu="150m") for n in (1, 2, 3, 4)])
    cluster.apply([set_of_three("db", storage.made)])

    with Scheduler(kubeconfig, tmp_path), Provisioner(storage, cluster):
        before = cluster.wait_for_bound(3)
        uid = cluster.pod("db-1")["metadata"]["uid"]
        cluster.delete_pod("db-1")
        cluster.wait_until(
            lambda: "db-1" in cluster.bound() and cluster.pod("db-1")["metadata"]["uid"] != uid,
            "db-1 is there again",
        )

    assert len(set(before.values())) == 3
    assert cluster.bound() == before


def test_an_ephemeral_volume_is_made_for_its_pod(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1")])
    made = pod("job")
    template = {"spec": claim_spec(storage.made)}
    made["spec"]["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]

    with Scheduler(kubeconfig, tmp_path), Provisioner(storage, cluster):
        cluster.add_pods([made])
        assert cluster.wait_for_bound(1) == {"job": "n-1"}

    assert storage.claim("job-scratch")["status"]["phase"] == "Bound"


def test_a_claim_of_one_pod_at_a_time_is_refused_to_a_second_in_stock_words(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1"), node("n-2")])
    storage.add_local_volume("disk", "n-1", mode="ReadWriteOncePod")
    storage.add_claim("data", storage.waits, mode="ReadWriteOncePod")
    cluster.add_pods([using(pod("first"), "data")])
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_for_bound(1)
        cluster.add_pods([using(pod("second"), "data")])
        cluster.wait_until(lambda: bool(notes(cluster, "second")), "the second says why it waits")
        assert "ReadWriteOncePod access mode" in notes(cluster, "second")[0]

        cluster.delete_pod("first")
        assert cluster.wait_for_bound(1) == {"second": "n-1"}


def test_a_pod_without_its_claim_says_so_and_is_bound_when_the_claim_comes(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n-1")])
    storage.add_local_volume("disk", "n-1")
    cluster.add_pods([using(pod("db"), "data")])
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_until(lambda: bool(notes(cluster, "db")), "the pod says why it waits")
        assert 'persistentvolumeclaim "data" not found' in notes(cluster, "db")[0]

        storage.add_claim("data", storage.waits)
        assert cluster.wait_for_bound(1) == {"db": "n-1"}
