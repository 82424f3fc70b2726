"""When a pod's volumes are bound, when to wait, and when it has failed: kube-scheduler's words."""

from dataclasses import replace

import pytest

from scheduler.domain.object_events import StorageChanged, StorageObject
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.storage import ClaimRef
from scheduler.domain.workload import NodeTerm, Requirement
from scheduler.service.storage_table import StorageTable
from scheduler.service.volume_progress import Progress, progress
from tests.builders import node
from tests.stored import bound_to, claim, on_nodes_labelled, reference_to, volume

NODE = node("n", labels={"zone": "east"})
CLAIM = claim("data", version="5")
SELECTED = replace(CLAIM, selected_node="n")
DISK = volume("disk", version="5", claim=reference_to(CLAIM))
BOUND = bound_to(CLAIM, "disk")
RESERVED = AssignedVolumes(bindings=(("default/data", "disk"),))
PROVISIONED = AssignedVolumes(provisions=("default/data",))
WAIT = Progress()


def judged(
    volumes: AssignedVolumes, *objects: StorageObject, written: dict[str, str] | None = None
) -> Progress:
    table = StorageTable()
    for obj in objects:
        table.put(StorageChanged(obj))
    return progress(volumes, NODE, table, written or {})


def test_a_reserved_volume_is_bound_once_its_claim_is() -> None:
    assert judged(RESERVED, CLAIM, DISK) == WAIT
    assert judged(RESERVED, BOUND, DISK).is_bound


def test_a_claim_with_a_volume_is_not_bound_before_its_binding_is_complete() -> None:
    halfway = replace(BOUND, is_bound=False)

    assert judged(RESERVED, halfway, DISK) == WAIT
    assert judged(PROVISIONED, replace(halfway, selected_node="n"), DISK) == WAIT


def test_a_provisioned_claim_is_bound_once_it_has_its_volume() -> None:
    assert judged(PROVISIONED, SELECTED) == WAIT
    assert judged(PROVISIONED, replace(BOUND, selected_node="n"), DISK).is_bound


def test_a_volume_that_has_not_been_told_yet_is_waited_for() -> None:
    assert judged(PROVISIONED, replace(BOUND, selected_node="n")) == WAIT


def test_all_claims_must_be_bound() -> None:
    both = AssignedVolumes(bindings=(("default/data", "disk"),), provisions=("default/more",))
    more = claim("more", selected_node="n")

    assert judged(both, BOUND, DISK, more) == WAIT
    assert judged(both, BOUND, DISK, bound_to(more, "disk")).is_bound


@pytest.mark.parametrize(
    ("volumes", "objects"),
    [(RESERVED, (BOUND, DISK)), (PROVISIONED, (CLAIM,))],
    ids=["volume", "claim"],
)
def test_what_was_told_before_our_write_is_no_news(
    volumes: AssignedVolumes, objects: tuple[StorageObject, ...]
) -> None:
    written = {"disk": "10", "default/data": "10"}

    assert judged(volumes, *objects, written=written) == WAIT


def test_versions_are_compared_as_numbers() -> None:
    objects = (BOUND, replace(DISK, version="10"))

    assert judged(RESERVED, *objects, written={"disk": "9"}).is_bound


FAILURES = {
    "no volume": (
        judged(RESERVED, CLAIM),
        'failed to check binding: persistentvolumes "disk" not found',
    ),
    "no claim": (
        judged(RESERVED, DISK),
        'failed to check binding: persistentvolumeclaims "default/data" not found',
    ),
    "no claim to provision": (
        judged(PROVISIONED),
        'failed to check provisioning pvc: persistentvolumeclaims "default/data" not found',
    ),
    "volume taken away": (
        judged(RESERVED, CLAIM, replace(DISK, claim=None)),
        'ClaimRef got reset for pv "disk"',
    ),
    "volume reserved by name alone": (
        judged(RESERVED, CLAIM, replace(DISK, claim=ClaimRef("default", "data"))),
        'ClaimRef got reset for pv "disk"',
    ),
    "provisioner gave up": (judged(PROVISIONED, CLAIM), 'provisioning failed for PVC "data"'),
    "provisioned elsewhere": (
        judged(PROVISIONED, replace(CLAIM, selected_node="other")),
        'provisioning failed for PVC "data"',
    ),
    "reserved volume out of reach": (
        judged(RESERVED, BOUND, replace(DISK, node_terms=on_nodes_labelled("zone", "west"))),
        'pv "disk" node affinity doesn\'t match node "n": no matching NodeSelectorTerms',
    ),
    "provisioned volume out of reach": (
        judged(
            PROVISIONED,
            replace(BOUND, selected_node="n"),
            replace(DISK, node_terms=on_nodes_labelled("zone", "west")),
        ),
        'pv "disk" node affinity doesn\'t match node "n": no matching NodeSelectorTerms',
    ),
}


@pytest.mark.parametrize(("found", "said"), FAILURES.values(), ids=FAILURES)
def test_what_cannot_come_about_any_more_is_said(found: Progress, said: str) -> None:
    assert found == Progress(failure=said)


def test_a_volume_that_can_be_used_on_the_node_is_bound() -> None:
    here = replace(DISK, node_terms=on_nodes_labelled("zone", "east", "west"))

    assert judged(RESERVED, BOUND, here).is_bound


def test_a_volumes_terms_see_no_name_of_a_node() -> None:
    by_name = NodeTerm(fields=(Requirement("metadata.name", "In", ("n",)),))

    found = judged(RESERVED, BOUND, replace(DISK, node_terms=(by_name,)))

    assert "no matching NodeSelectorTerms" in found.failure
