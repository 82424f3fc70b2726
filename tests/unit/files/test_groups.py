"""Pod groups among the files of pods."""

from pathlib import Path

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.files.manifests import read_manifests
from tests.plan_command import run

MEMBER = """
apiVersion: v1
kind: Pod
metadata: {name: w, labels: {scheduling.x-k8s.io/pod-group: train}}
spec: {containers: [{name: c}]}
"""


def group(version: str, spec: str, name: str = "train") -> str:
    metadata = f"metadata: {{name: {name}}}"
    return f"apiVersion: {version}\nkind: PodGroup\n{metadata}\nspec: {spec}\n"


COSCHEDULING = group("scheduling.x-k8s.io/v1alpha1", "{minMember: 2}")
VOLCANO = group("scheduling.volcano.sh/v1beta1", "{minMember: 3}")
NATIVE = group("scheduling.k8s.io/v1alpha2", "{schedulingPolicy: {gang: {minCount: 4}}}")
LIST = (
    "apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroupList\n"
    "items: [{metadata: {name: train}, spec: {minMember: 2}}]\n"
)
CRON = COSCHEDULING.replace("scheduling.x-k8s.io/v1alpha1", "example.com/v1")


def files(*documents: str) -> str:
    return "---\n".join(documents)


def test_groups_of_all_apis_are_read_beside_the_pods(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(files(COSCHEDULING, MEMBER, VOLCANO, NATIVE))

    found = read_manifests(tmp_path / "pods.yaml")

    members = {one.ref: one.min_member for one in found.groups}
    assert members == {
        GroupRef(GroupApi.COSCHEDULING, "default", "train"): 2,
        GroupRef(GroupApi.VOLCANO, "default", "train"): 3,
        GroupRef(GroupApi.NATIVE, "default", "train"): 4,
    }
    assert found.pods[0].pod_class.group in members


def test_the_items_of_a_list_are_of_its_api(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(files(MEMBER, LIST))

    [one] = read_manifests(tmp_path / "pods.yaml").groups

    assert one.ref == GroupRef(GroupApi.COSCHEDULING, "default", "train")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (COSCHEDULING + "---\n" + COSCHEDULING, "PodGroup default/train: is also in .*document 2"),
        (COSCHEDULING.replace("2", "two"), 'PodGroup default/train: spec.minMember: is "two"'),
        (CRON, "PodGroup: apiVersion: is example.com/v1, .*; write one of scheduling.x-k8s.io/v1"),
        (COSCHEDULING.replace("{name: train}", "{}"), "PodGroup: has no metadata.name"),
    ],
    ids=["twice", "a fault", "another API", "no name"],
)
def test_a_group_that_cannot_be_told_is_refused(tmp_path: Path, document: str, said: str) -> None:
    (tmp_path / "pods.yaml").write_text(files(MEMBER, document))

    with pytest.raises(InputError, match=said):
        read_manifests(tmp_path / "pods.yaml")


def test_plan_refuses_a_group_that_is_given_twice_in_one_sentence(tmp_path: Path) -> None:
    ran = run(tmp_path, {"pods.yaml": files(MEMBER, COSCHEDULING, COSCHEDULING)})

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "PodGroup default/train: is also in" in ran.stderr


def test_plan_says_what_is_unclear_of_a_pods_group_and_lets_it_wait(tmp_path: Path) -> None:
    label = "pod-group.scheduling.sigs.k8s.io/name: train"
    odd = MEMBER.replace("scheduling.x-k8s.io/pod-group: train", label)

    ran = run(tmp_path, {"pods.yaml": odd})

    assert ran.exit_code == 3
    assert "a pod group without a number of pods" in ran.stdout
    assert "min-available" in ran.stdout
