"""What is remembered of classes follows the classes that live, not those that ever were."""

import gc
import json

import pytest

from benchmarks.soak.sizes import table_sizes
from scheduler.domain.cluster_events import NodeChanged, PodDeleted, ServiceChanged
from scheduler.domain.workload import PodClass, Service
from scheduler.objects.pod_reader import PodReader
from scheduler.service.cache import Cache
from scheduler.service.class_memo import ClassMemo
from tests.builders import node, pod

ROLLOUTS = 1_000
APP = "rolled-a-thousand-times"
"""Nobody else in this process has pods of it: all classes there are are looked through."""

STANDING = 20
"""Deployments that are never rolled."""

MULTIPLE = 3
"""Of the classes that live: one more is that of the pods which a rollout is taking away."""

MEMOS = (
    "reader.by_fields",
    "reader.classes",
    "cache.nodes.demands.entries",
    "cache.services.names.entries",
)


def written(name: str, app: str, template: int) -> bytes:
    """Return a bound pod of a Deployment's template, as a watch tells it."""
    labels = {"app": app, "pod-template-hash": f"{template:08x}"}
    requests = {"cpu": "100m", f"example.com/of-{app}": "1"}
    return json.dumps(
        {
            "metadata": {"name": name, "namespace": "default", "uid": name, "labels": labels},
            "spec": {
                "nodeName": "n1",
                "containers": [{"name": "c", "resources": {"requests": requests}}],
            },
            "status": {"phase": "Running"},
        }
    ).encode()


class Rolled:
    """A cluster that is told of a Deployment's rollouts, as the running service is."""

    def __init__(self) -> None:
        self.reader, self.cache = PodReader(), Cache()
        self.cache.apply(NodeChanged(node("n1", cpu_milli=64_000)))
        self.cache.apply(ServiceChanged(Service("default", "web", (("app", APP),))))
        for number in range(STANDING):
            self.tell(f"stays-{number}", f"app-{number}", 0)
        self.tell("web-0", APP, 0)

    def tell(self, name: str, app: str, template: int) -> None:
        """Tell of a pod."""
        self.cache.apply(self.reader(written(name, app, template)))

    def roll(self, number: int) -> None:
        """Put a pod of a new template in the place of the last one's, and take a snapshot."""
        self.tell(f"web-{number}", APP, number)
        self.cache.apply(PodDeleted(f"default/web-{number - 1}", f"web-{number - 1}"))
        self.cache.freeze((), 0.0)

    def memos(self) -> dict[str, int]:
        """Return the sizes of what is remembered of classes."""
        sizes = table_sizes({"reader": self.reader, "cache": self.cache})
        return {name: sizes[name] for name in MEMOS}


def test_a_thousand_rollouts_leave_memos_as_large_as_what_lives() -> None:
    rolled = Rolled()
    lives = STANDING + 1
    assert set(rolled.memos().values()) == {lives}

    largest = 0
    for number in range(1, ROLLOUTS + 1):
        rolled.roll(number)
        largest = max(largest, *rolled.memos().values()) if number % 100 == 0 else largest

    assert lives <= largest <= MULTIPLE * lives


def test_classes_of_rolled_pods_are_gone() -> None:
    rolled = Rolled()
    for number in range(1, ROLLOUTS + 1):
        rolled.roll(number)

    gc.collect()
    rolled_classes = [
        one
        for one in gc.get_objects()
        if isinstance(one, PodClass) and dict(one.labels).get("app") == APP
    ]
    assert 1 <= len(rolled_classes) <= MULTIPLE


def test_a_class_that_lives_stays_one_object_through_rollouts_of_others() -> None:
    rolled = Rolled()
    first = rolled.reader(written("stays-0", "app-0", 0)).pod.pod_class
    for number in range(1, 50):
        rolled.roll(number)

    assert rolled.reader(written("stays-0", "app-0", 0)).pod.pod_class is first


def test_what_pods_take_is_given_back_through_rollouts() -> None:
    rolled = Rolled()
    before = rolled.cache.freeze((), 0.0).nodes
    for number in range(1, 50):
        rolled.roll(number)

    after = rolled.cache.freeze((), 0.0).nodes
    assert after.resources == before.resources
    assert after.requested.tolist() == before.requested.tolist()


def test_a_value_is_found_as_long_as_its_class_lives() -> None:
    memo: ClassMemo[str] = ClassMemo()
    lives, goes = pod("lives").pod_class, pod("goes", cpu_milli=7).pod_class
    memo.put(lives, "first")
    memo.put(goes, "other")
    memo.put(lives, "second")

    del goes
    gc.collect()

    assert (memo.get(lives), len(memo), list(memo.classes())) == ("second", 1, [lives])


def test_what_was_forgotten_can_be_remembered_anew() -> None:
    memo: ClassMemo[int] = ClassMemo()
    lives = pod("lives").pod_class
    memo.put(lives, 1)
    memo.clear()

    assert memo.get(lives) is None
    memo.put(lives, 2)
    assert memo.get(lives) == 2


@pytest.mark.parametrize("turns", [2_000])
def test_an_id_that_is_used_again_brings_no_old_value(turns: int) -> None:
    memo: ClassMemo[int] = ClassMemo()
    for number in range(turns):
        made = PodClass(labels=(("turn", str(number)),))
        assert memo.get(made) is None
        memo.put(made, number)
