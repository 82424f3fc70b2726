"""What of its claims keeps a pod from every node."""

from typing import Any

import pytest

from scheduler.domain.storage import Claim, PodVolumes, StorageClass
from tests.unit.placement.storing import (
    PROVISIONER,
    bound_claim,
    bound_volume,
    claim,
    everywhere,
    storing,
    uses,
    waiting_class,
)

NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"

EPHEMERAL = PodVolumes((Claim("web-scratch", is_ephemeral=True, pod_name="web"),))


def test_a_claim_that_is_not_there_keeps_the_pod_from_every_node() -> None:
    cluster = storing(waiting_class(), claim("data"))

    assert cluster.problems(uses("data", "logs")) == ['persistentvolumeclaim "logs" not found']


def test_a_claim_of_another_namespace_is_not_the_pods() -> None:
    cluster = storing(waiting_class(), claim("data", namespace="shop"))

    assert cluster.problems(uses("data")) == ['persistentvolumeclaim "data" not found']


def test_an_ephemeral_claim_is_waited_for() -> None:
    cluster = storing(waiting_class())

    assert cluster.problems(EPHEMERAL, "uid-web") == [
        'waiting for ephemeral volume controller to create the persistentvolumeclaim "web-scratch"'
    ]


def test_an_ephemeral_claim_must_be_the_pods_own() -> None:
    cluster = storing(waiting_class(), claim("web-scratch", owner_uids=("uid-other",)))

    assert cluster.problems(EPHEMERAL, "uid-web") == [
        "PVC default/web-scratch was not created for pod default/web (pod is not owner)"
    ]


def test_an_ephemeral_claim_of_the_pod_is_like_any_other() -> None:
    cluster = storing(waiting_class(), claim("web-scratch", owner_uids=("uid-web",)))

    assert cluster.problems(EPHEMERAL, "uid-web") == []
    assert cluster.fits(EPHEMERAL) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"is_terminating": True}, 'persistentvolumeclaim "data" is being deleted'),
        (
            {"phase": "Lost", "volume_name": "pv"},
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"',
        ),
    ],
)
def test_a_claim_that_is_lost_or_going_is_no_use(fields: dict[str, Any], said: str) -> None:
    cluster = storing(waiting_class(), claim("data", **fields))

    assert cluster.problems(uses("data")) == [said]


UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


@pytest.mark.parametrize("name", ["at-once", "not-there", ""])
def test_a_claim_that_does_not_wait_for_a_pod_has_to_be_bound_first(name: str) -> None:
    cluster = storing(StorageClass("at-once", PROVISIONER), claim("data", storage_class=name))

    assert cluster.problems(uses("data")) == [UNBOUND]


def test_a_volume_name_without_a_completed_binding_is_not_bound() -> None:
    half = claim("data", volume_name="pv", phase="Bound")
    cluster = storing(waiting_class(), half, bound_volume("pv"))

    assert cluster.problems(uses("data")) == [UNBOUND]


def test_a_bound_claim_without_its_volume_keeps_the_pod_from_every_node() -> None:
    cluster = storing(waiting_class(), bound_claim("data", "gone"))

    assert cluster.problems(uses("data")) == ['persistentvolume "gone" not found']


def test_an_ephemeral_claim_without_its_volume_rules_out_each_node() -> None:
    cluster = storing(waiting_class(), bound_claim("web-scratch", "gone", owner_uids=("uid-web",)))

    assert cluster.problems(EPHEMERAL, "uid-web") == []
    assert cluster.why(EPHEMERAL) == everywhere(NO_VOLUME)


def test_what_is_missing_is_said_before_what_is_unbound() -> None:
    cluster = storing(claim("data", storage_class=""))

    assert cluster.problems(uses("data", "logs")) == ['persistentvolumeclaim "logs" not found']
