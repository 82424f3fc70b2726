"""What is known of storage: as it was told, as it was chosen, and as snapshots show it."""

from dataclasses import replace

import pytest

from scheduler.domain.cluster_events import Listed
from scheduler.domain.object_events import (
    NamespaceChanged,
    StorageChanged,
    StorageDeleted,
    StorageObject,
)
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.storage import (
    ClaimRef,
    CsiDriver,
    CsiNode,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from scheduler.domain.stored import named
from scheduler.service.cache import Cache
from scheduler.service.storage_table import StorageTable
from tests.stored import claim, claiming, reference_to, volume

CLAIM = claim("data", version="1")
VOLUME = volume("disk", version="1")
RESERVED = AssignedVolumes(bindings=(("default/data", "disk"),))
PROVISIONED = AssignedVolumes(provisions=("default/data",))
OBJECTS: list[StorageObject] = [
    CLAIM,
    VOLUME,
    StorageClass("slow"),
    CsiNode("n"),
    CsiDriver("d"),
    StorageCapacity("default", "c", "slow"),
    VolumeAttachment("a", "d", "n"),
]


def table(*objects: StorageObject) -> StorageTable:
    made = StorageTable()
    for obj in objects:
        made.put(StorageChanged(obj))
    return made


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: type(obj).__name__)
def test_each_kind_comes_changes_nothing_when_it_is_repeated_and_goes(obj: StorageObject) -> None:
    made = StorageTable()
    kind, key = named(obj)

    came = made.put(StorageChanged(obj))
    again = made.put(StorageChanged(obj))
    known = list(made.known())
    went = made.drop(StorageDeleted(kind, key))

    assert known == [(kind, key)]
    assert [wake.why.rpartition("/")[2] for wake in came + went] == [f"{kind}Add", f"{kind}Delete"]
    assert again == []
    assert list(made.known()) == []


def test_a_complete_list_drops_what_it_does_not_name() -> None:
    cache = Cache()
    cache.begin_listing()
    for obj in OBJECTS:
        cache.apply(StorageChanged(obj))
    cache.apply(NamespaceChanged("shop", {}))
    cache.apply(Listed())
    cache.begin_listing()
    cache.apply(StorageChanged(VOLUME))
    cache.apply(NamespaceChanged("other", {}))
    cache.apply(Listed())

    assert list(cache.storage.known()) == [("PersistentVolume", "disk")]
    assert dict(cache.freeze((), 0.0).namespaces) == {"other": {}}


def test_a_snapshot_stays_as_it_was_taken() -> None:
    made = table(CLAIM)
    was = made.freeze()

    made.put(StorageChanged(replace(CLAIM, volume_name="disk")))

    assert was.claims["default/data"].volume_name == ""
    assert made.freeze().claims["default/data"].volume_name == "disk"


def test_what_has_not_changed_is_not_copied() -> None:
    made = table(CLAIM, CsiNode("n"))
    was = made.freeze()
    assert made.freeze() is was

    made.put(StorageChanged(replace(CLAIM, volume_name="disk")))

    assert made.freeze().csi_nodes is was.csi_nodes
    assert made.freeze().claims is not was.claims


def test_a_newer_version_of_an_equal_object_concerns_nobody_but_who_writes_it() -> None:
    made = table(CLAIM)
    was = made.freeze()

    wakes = made.put(StorageChanged(replace(CLAIM, version="2")))

    assert wakes == []
    assert made.freeze() is was
    told = made.claims.told("default/data")
    assert told is not None
    assert told.version == "2"


def test_a_volume_that_was_chosen_counts_as_taken() -> None:
    made = table(CLAIM, VOLUME)

    assert made.assume(RESERVED, "n", "uid-p")

    assert made.freeze().volumes["disk"].claim == reference_to(CLAIM)
    assert made.volumes.told("disk") == VOLUME


def test_a_claim_to_be_provisioned_counts_as_having_its_node() -> None:
    made = table(CLAIM)

    assert made.assume(PROVISIONED, "n", "uid-p")

    assert made.freeze().claims["default/data"].selected_node == "n"


@pytest.mark.parametrize(
    ("objects", "volumes"),
    [
        ((VOLUME,), RESERVED),
        ((CLAIM,), RESERVED),
        ((CLAIM, replace(VOLUME, claim=ClaimRef("default", "other"))), RESERVED),
        ((CLAIM, replace(VOLUME, claim=ClaimRef("default", "data", "uid-old"))), RESERVED),
        ((VOLUME,), PROVISIONED),
        ((replace(CLAIM, selected_node="other"),), PROVISIONED),
    ],
    ids=["no claim", "no volume", "taken", "of an older claim", "gone", "another node"],
)
def test_what_is_gone_or_taken_cannot_be_assumed(
    objects: tuple[StorageObject, ...], volumes: AssignedVolumes
) -> None:
    made = table(*objects)
    was = made.freeze()

    assert not made.assume(volumes, "n", "uid-p")

    assert made.freeze() is was


def test_a_volume_that_people_reserved_by_name_is_taken_by_its_claim() -> None:
    made = table(CLAIM, replace(VOLUME, claim=ClaimRef("default", "data")))

    assert made.assume(RESERVED, "n", "uid-p")

    assert made.freeze().volumes["disk"].claim == reference_to(CLAIM)


def test_a_choice_that_comes_to_nothing_is_taken_back_and_others_are_told() -> None:
    made = table(CLAIM, VOLUME)
    made.assume(RESERVED, "n", "uid-p")

    wakes = made.release(RESERVED, "uid-p")

    assert made.freeze().volumes["disk"] == VOLUME
    assert [wake.why for wake in wakes] == ["PersistentVolumeUpdate"]
    assert made.release(RESERVED, "uid-p") == []


def test_a_claim_of_two_pods_stays_chosen_until_both_let_go() -> None:
    made = table(CLAIM)
    made.assume(PROVISIONED, "n", "uid-p")
    made.assume(PROVISIONED, "n", "uid-q")

    made.release(PROVISIONED, "uid-p")
    assert made.freeze().claims["default/data"].selected_node == "n"
    made.release(PROVISIONED, "uid-q")

    assert made.freeze().claims["default/data"].selected_node is None


def test_a_second_pod_cannot_have_a_claim_provisioned_elsewhere() -> None:
    made = table(CLAIM)
    made.assume(PROVISIONED, "n", "uid-p")

    assert not made.assume(PROVISIONED, "other", "uid-q")


def test_what_was_written_stays_chosen_until_the_cluster_tells() -> None:
    made = table(CLAIM)
    made.assume(PROVISIONED, "n", "uid-p")
    made.claims.note_written("default/data", "2")

    made.release(PROVISIONED, "uid-p")
    assert made.freeze().claims["default/data"].selected_node == "n"
    made.put(StorageChanged(replace(CLAIM, version="3", volume_name="other")))

    assert made.freeze().claims["default/data"].selected_node is None


def test_what_was_written_and_undone_unseen_is_not_chosen_any_more() -> None:
    made = table(CLAIM)
    made.assume(PROVISIONED, "n", "uid-p")
    made.claims.note_written("default/data", "2")

    made.put(StorageChanged(replace(CLAIM, version="3")))

    assert made.freeze().claims["default/data"].selected_node is None


def test_an_answer_that_comes_after_the_news_of_its_end_changes_nothing() -> None:
    made = table(CLAIM)
    made.assume(PROVISIONED, "n", "uid-p")
    made.put(StorageChanged(replace(CLAIM, version="3")))

    made.claims.note_written("default/data", "2")

    assert made.freeze().claims["default/data"].selected_node is None


def test_news_of_an_object_ends_what_was_assumed_of_it() -> None:
    made = table(CLAIM, VOLUME)
    made.assume(RESERVED, "n", "uid-p")
    theirs = replace(VOLUME, version="2", claim=ClaimRef("default", "theirs", "uid-t"))

    made.put(StorageChanged(theirs))
    assert made.freeze().volumes["disk"] == theirs
    made.release(RESERVED, "uid-p")

    assert made.freeze().volumes["disk"] == theirs


def test_a_newer_version_of_the_same_object_ends_no_assumption() -> None:
    made = table(CLAIM, VOLUME)
    made.assume(RESERVED, "n", "uid-p")

    made.put(StorageChanged(replace(VOLUME, version="2")))

    assert made.freeze().volumes["disk"].claim == reference_to(CLAIM)
    told = made.volumes.told("disk")
    assert told is not None
    assert told.version == "2"


def test_an_object_that_is_gone_is_not_assumed() -> None:
    made = table(CLAIM, VOLUME)
    made.assume(RESERVED, "n", "uid-p")

    made.drop(StorageDeleted("PersistentVolume", "disk"))
    made.release(RESERVED, "uid-p")

    assert dict(made.freeze().volumes) == {}


def test_a_decision_is_outdated_when_a_claim_of_its_pod_changed() -> None:
    made = table(CLAIM, VOLUME)
    seen = made.freeze()
    user = claiming("p", "data")
    assert made.is_as_in(seen, user, RESERVED)

    made.put(StorageChanged(replace(CLAIM, volume_name="other")))

    assert not made.is_as_in(seen, user, RESERVED)


def test_a_decision_is_outdated_when_a_volume_it_chose_changed() -> None:
    made = table(CLAIM, VOLUME)
    seen = made.freeze()

    made.put(StorageChanged(replace(VOLUME, is_terminating=True)))

    assert not made.is_as_in(seen, claiming("p", "data"), RESERVED)


def test_a_decision_is_not_outdated_by_another_pod_of_the_same_decision() -> None:
    made = table(CLAIM)
    seen = made.freeze()

    made.assume(PROVISIONED, "n", "uid-p")

    assert made.is_as_in(seen, claiming("q", "data"), PROVISIONED)
    assert made.assume(PROVISIONED, "n", "uid-q")
