"""Pods in files that depend on more than nodes: each other, namespaces, volumes."""

from pathlib import Path

from scheduler.files.manifests import read_manifests

PODS = """
apiVersion: v1
kind: Namespace
metadata: {name: shared, labels: {team: data}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shared}
spec:
  containers: [{name: c}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shared}
spec: {storageClassName: local, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    spec:
      containers: [{name: c}]
      volumes:
        - name: scratch
          ephemeral: {volumeClaimTemplate: {spec: {storageClassName: local}}}
"""


def test_what_stands_around_pods_is_read_with_them(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(PODS)

    found = read_manifests(tmp_path / "pods.yaml")

    assert found.namespaces["shared"] == {"team": "data", "kubernetes.io/metadata.name": "shared"}
    assert found.namespaces["default"] == {"kubernetes.io/metadata.name": "default"}
    assert list(found.storage.claims) == ["shared/data"]
    assert found.storage.classes["local"].waits


def test_each_replica_has_ephemeral_claims_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(PODS)

    pods = read_manifests(tmp_path / "pods.yaml").pods

    claims = {pod.name: [claim.name for claim in pod.volumes.claims] for pod in pods}
    assert claims == {"db": ["data"], "web-0": ["web-0-scratch"], "web-1": ["web-1-scratch"]}
