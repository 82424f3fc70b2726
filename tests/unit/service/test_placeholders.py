"""The service with placeholders: they hold reserves, give way to our pods, and come back."""

from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from typing_extensions import override

from scheduler.domain.cluster_events import ClusterEvent, PodChanged
from scheduler.domain.errors import ClusterUnavailable, PlaceholderRefused
from scheduler.domain.placeholder import PLACEHOLDER_LABELS, Placeholder, placeholder_name
from scheduler.domain.ports import Binding
from scheduler.domain.resources import CPU, resources
from scheduler.domain.workload import Pod, PodClass
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings, PlaceholderSettings
from scheduler.service.placeholders import GONE_S, LOST_REASON
from scheduler.service.put_off import FIRST_S
from scheduler.service.settings import SchedulerConfiguration
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import OURS, Harness
from tests.memory import MemoryCluster, MemoryLeadership

pytestmark = pytest.mark.looptime

COVER = CoverSettings(placeholders=PlaceholderSettings(enabled=True))
NAMESPACE = COVER.placeholders.namespace
ON = SchedulerConfiguration(cover=COVER)


def harness(
    settings: SchedulerConfiguration = ON,
    leadership: MemoryLeadership | None = None,
    cluster: MemoryCluster | None = None,
) -> Harness:
    """Return a service over three nodes of one core, a millisecond from each other."""
    decide = partial(plan, covering=settings.cover)
    made = Harness(decide, settings, leadership=leadership, cluster=cluster)
    made.rtt.put(line_rtt(["a", "b", "c"], 1))
    for name in "abc":
        made.put_node(node(name, cpu_milli=1000))
    return made


def web(name: str, cpu_milli: int = 600) -> Pod:
    near = (within(5, "a"),)
    return pod(name, cpu_milli=cpu_milli, delays=near, workload=workload("web"))


def leftover(on: str, cpu_milli: int, **fields: object) -> PodChanged:
    """Return a placeholder that a scheduler before us has left."""
    labels = tuple(sorted(PLACEHOLDER_LABELS.items()))
    requests = resources({CPU: cpu_milli})
    made = PodClass(NAMESPACE, labels=labels, requests=requests)
    one = Pod("left", made, uid="left", scheduler_name=OURS)
    return PodChanged(one, on, **({"phase": "Running", "is_terminating": False} | fields))  # type: ignore[arg-type]


def held(service: Harness) -> dict[str, int]:
    """Return how much CPU is held on each node, in thousandths."""
    pods = service.cluster.pods.values()
    return {
        one.node: dict(one.pod.pod_class.requests)[CPU]
        for one in pods
        if one.pod.namespace == NAMESPACE
    }


def backup(service: Harness, name: str) -> str:
    [binding] = [one for one in service.cluster.bindings if one.pod.name == name]
    return dict(binding.annotations)["isochrone.dev/backup"]


def gauge(service: Harness, line: str) -> bool:
    return line in service.state.metrics.render().decode().splitlines()


async def test_a_node_with_a_reserve_has_one_that_requests_just_that() -> None:
    async with harness() as service:
        service.put_pod(web("web-1"))
        await service.settle(1)

        assert held(service) == {backup(service, "web-1"): 600}
        assert gauge(service, 'isochrone_placeholders{state="standing"} 1.0')
        assert gauge(service, 'isochrone_placeholders{state="missing"} 0.0')


async def test_none_is_made_unless_it_is_asked_for() -> None:
    async with harness(SchedulerConfiguration()) as service:
        service.put_pod(web("web-1"))
        await service.settle(1)

        assert backup(service, "web-1")
        assert service.cluster.placeholders == []


async def test_a_reserve_of_another_size_has_another_one() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1", 200), backup="c"), node="a", phase="Running")
        await service.settle(1)
        before = held(service)
        service.put_pod(replace(web("web-2", 300), backup="c"), node="a", phase="Running")
        await service.settle(1)

        assert (before, held(service)) == ({"c": 200}, {"c": 500})
        assert service.cluster.placeholders == ["create c", "delete c", "create c"]
        assert [one for one in service.cluster.notes if one.reason == LOST_REASON] == []


async def test_it_follows_a_backup_that_changes_while_its_pod_stays() -> None:
    async with harness() as service:
        covered = service.put_pod(web("web-1"), node="a", phase="Running")
        await service.settle(1)
        [first] = held(service)
        assert service.cluster.backups == {"default/web-1": first}
        [other] = {"b", "c"} - {first}
        service.put_pod(replace(covered, backup=other), node="a", phase="Running")
        await service.settle(1)

        assert held(service) == {other: 600}


async def test_it_goes_with_the_last_pod_it_is_for() -> None:
    async with harness() as service:
        service.put_pod(web("web-1"))
        await service.settle(1)
        service.delete_pod("default/web-1")
        await service.settle(1)

        assert held(service) == {}


async def test_its_room_is_counted_once() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        service.put_pod(pod("beside", cpu_milli=400, node_selector=(("on", "c"),)))
        service.put_node(node("c", cpu_milli=1000, labels={"on": "c"}))
        await service.settle(1)

        # 600 are held and reserved, 400 left: with both of them counted there would be no room.
        assert held(service) == {"c": 600}
        assert service.placement["beside"] == "c"
        assert service.cluster.placeholders == ["create c"]


async def fail_a(service: Harness) -> str:
    """Have a covered pod lose its node; return its backup, once that is held."""
    lost = service.put_pod(web("web-1"))
    await service.settle(1)
    place = backup(service, "web-1")
    assert held(service) == {place: 600}
    service.put_node(node("a", cpu_milli=1000, is_ready=False))
    event = PodChanged(lost, "a", "Running", is_terminating=True)
    service.cluster.pods[lost.key] = event
    service.cluster.emit(event)
    await service.settle(1)
    return place


async def test_it_is_gone_before_a_replacement_is_bound_to_the_backup() -> None:
    there: list[dict[str, int]] = []
    async with harness() as service:

        def look(binding: Binding) -> None:
            if binding.pod.name == "web-2":
                there.append(held(service))

        service.cluster.before_bind = look
        place = await fail_a(service)
        service.put_pod(web("web-2"))
        await service.settle(1)

        assert service.placement["web-2"] == place
        assert place not in there[0]
        assert service.cluster.placeholders[:2] == [f"create {place}", f"delete {place}"]
        [other] = {"b", "c"} - {place}
        assert held(service) == {other: 600}, "the replacement is covered anew"


async def test_what_is_left_of_a_reserve_that_gave_way_is_held_again_at_once() -> None:
    async with harness() as service:
        for number in (1, 2):
            one = replace(web(f"web-{number}", 300), backup="c")
            service.put_pod(one, node="a", phase="Running")
        service.put_pod(pod("full", cpu_milli=1000), node="b", phase="Running")
        service.put_pod(pod("most", cpu_milli=400), node="c", phase="Running")
        await service.settle(1)
        assert held(service) == {"c": 600}
        service.put_node(node("a", cpu_milli=1000, is_ready=False))
        await service.settle(1)
        assert service.cluster.placeholders == ["create c"], "the failure changes nothing there"
        service.delete_pod("default/web-1")
        service.put_pod(web("web-3", 300))
        while "web-3" not in service.placement:
            await service.settle(0.001)
        await service.settle(0.005)

        assert service.placement["web-3"] == "c"
        assert held(service) == {"c": 300}
        assert service.cluster.placeholders == ["create c", "delete c", "create c"]


@dataclass
class Muted(MemoryCluster):
    """Holds back what it has to tell while `late` is a list."""

    late: list[ClusterEvent | Exception] | None = None

    @override
    def emit(self, event: ClusterEvent | Exception) -> None:
        if self.late is None:
            super().emit(event)
        else:
            self.late.append(event)


async def test_a_binding_is_held_until_the_watch_tells_that_it_is_gone() -> None:
    cluster = Muted()
    async with harness(cluster=cluster) as service:
        place = await fail_a(service)
        service.put_pod(web("web-2"))
        cluster.late = []
        await service.settle(1)
        assert place not in held(service), "it is deleted"
        assert "web-2" not in service.placement
        late, cluster.late = cluster.late, None
        for event in late:
            cluster.emit(event)
        await service.settle(1)

        assert service.placement["web-2"] == place


async def test_a_replacement_waits_and_says_so_where_it_does_not_go() -> None:
    async with harness() as service:
        place = await fail_a(service)

        def refuse(_what: str) -> None:
            raise PlaceholderRefused("pods is forbidden")

        service.cluster.before_placeholder = refuse
        service.put_pod(web("web-2"))
        await service.settle(1)
        assert "web-2" not in service.placement
        said = "binding rejected: the placeholder there does not go: pods is forbidden"
        assert said in [note.message for note in service.cluster.notes]
        service.cluster.before_placeholder = lambda _what: None
        await service.settle(5)

        assert service.placement["web-2"] == place


@dataclass
class Faulty(MemoryCluster):
    """Answers deletions without carrying them out, if it `is_stuck`; and loses some creations."""

    is_stuck: bool = False
    lose_creations: int = 0
    created: list[tuple[str, int]] = field(default_factory=list)

    @override
    async def create_placeholder(self, placeholder: Placeholder) -> None:
        self.created.append((placeholder.node, dict(placeholder.requests)[CPU]))
        if self.lose_creations:
            self.lose_creations -= 1
            raise ClusterUnavailable("no answer")
        await super().create_placeholder(placeholder)

    @override
    async def delete_placeholder(self, pod: Pod) -> None:
        if not self.is_stuck:
            await super().delete_placeholder(pod)


async def test_no_pod_waits_for_ever_for_one_that_is_deleted_and_stays() -> None:
    cluster = Faulty()
    async with harness(cluster=cluster) as service:
        await fail_a(service)
        cluster.is_stuck = True
        service.put_pod(web("web-2"))
        await service.settle(GONE_S + 1)

        assert "web-2" not in service.placement
        said = [note.message for note in service.cluster.notes]
        assert any("is still there after 5 s" in one for one in said)


async def test_none_is_created_where_its_room_is_gone_meanwhile() -> None:
    cluster = Faulty()
    async with harness(cluster=cluster) as service:
        service.put_pod(replace(web("web-1", 200), backup="c"), node="a", phase="Running")
        await service.settle(1)

        def come(what: str) -> None:
            if what == "delete c":
                service.put_pod(pod("theirs", cpu_milli=600), scheduler="other", node="c")

        cluster.before_placeholder = come
        service.put_pod(replace(web("web-2", 300), backup="c"), node="a", phase="Running")
        await service.settle(1)

        assert cluster.created[0] == ("c", 200)
        assert ("c", 500) not in cluster.created, "only 400 were left"
        assert sum(held(service).values()) >= 400


async def test_one_that_may_come_about_unseen_is_deleted_by_its_name() -> None:
    cluster = Faulty(lose_creations=1)
    async with harness(cluster=cluster) as service:
        lost = service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        service.put_node(node("b", cpu_milli=100))
        service.put_node(node("a", cpu_milli=1000, is_ready=False))
        event = PodChanged(lost, "a", "Running", is_terminating=True)
        cluster.emit(event)
        service.put_pod(web("web-2"))
        await service.settle(1)

        assert service.placement["web-2"] == "c"
        assert cluster.placeholders == [f"delete {placeholder_name('c')}"]


async def test_one_that_another_removes_is_told_and_made_anew_when_that_one_has_its_room() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        [key] = [key for key, one in service.cluster.pods.items() if one.node == "c"]
        service.delete_pod(key)
        await service.settle(FIRST_S - 1)
        assert held(service) == {}
        assert gauge(service, 'isochrone_placeholders{state="missing"} 1.0')
        assert gauge(service, 'isochrone_placeholders_lost_total{why="removed"} 1.0')
        [note] = [one for one in service.cluster.notes if one.reason == LOST_REASON]
        assert (
            note.message == "the reserve of c is not held: its placeholder was removed by another"
        )
        await service.settle(2)

        assert held(service) == {"c": 600}


async def test_one_that_the_kubelet_refuses_is_told_and_replaced_later() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        [key] = [key for key, one in service.cluster.pods.items() if one.node == "c"]
        failed = replace(service.cluster.pods[key], phase="Failed", reason="OutOfcpu")
        service.cluster.pods[key] = failed
        service.cluster.emit(failed)
        await service.settle(1)
        assert gauge(service, 'isochrone_placeholders_lost_total{why="refused"} 1.0')
        [note] = [one for one in service.cluster.notes if one.reason == LOST_REASON]
        assert note.message == "the reserve of c is not held: the kubelet says OutOfcpu"
        await service.settle(FIRST_S)

        assert service.cluster.pods[key].phase == "Running"


async def test_what_a_scheduler_before_us_left_is_taken_over_or_removed() -> None:
    cluster = MemoryCluster()
    left = leftover("b", 300)
    cluster.pods[left.pod.key] = left
    async with harness(cluster=cluster) as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)

        assert held(service) == {"c": 600}


async def test_switched_off_none_is_left() -> None:
    cluster = MemoryCluster()
    left = leftover("b", 300)
    cluster.pods[left.pod.key] = left
    async with harness(SchedulerConfiguration(), cluster=cluster) as service:
        await service.settle(1)

        assert held(service) == {}


async def test_a_node_that_dies_is_left_by_its_own() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        service.put_node(node("c", cpu_milli=1000, is_ready=False))
        await service.settle(1)

        assert held(service) == {"b": 600}
        assert [one for one in service.cluster.notes if one.reason == LOST_REASON] == []


async def test_who_stands_by_writes_none_and_who_leads_takes_them_over() -> None:
    leadership = MemoryLeadership()
    async with harness(leadership=leadership) as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        assert service.cluster.placeholders == []
        leadership.elect()
        await service.settle(1)

        assert held(service) == {"c": 600}


@pytest.mark.parametrize(
    "changed",
    [{"namespace": "default"}, {"labels": (("isochrone.dev/placeholder", "true"),)}],
    ids=["elsewhere", "not managed by us"],
)
async def test_what_only_looks_like_one_is_counted_as_the_pod_it_is(
    changed: dict[str, object],
) -> None:
    async with harness() as service:
        like = leftover("b", 900)
        made = replace(like.pod.pod_class, **changed)  # type: ignore[arg-type]
        service.put_pod(replace(like.pod, pod_class=made), node="b", phase="Running")
        for name in ("one", "two", "three"):
            service.put_pod(pod(name, cpu_milli=600))
        await service.settle(1)

        assert sorted(service.placement.values()) == ["a", "b", "c"]


async def test_a_deposed_leader_writes_none_and_removes_none() -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    async with harness(leadership=leadership) as service:
        service.put_pod(replace(web("web-1", 200), backup="c"), node="a", phase="Running")
        await service.settle(1)
        leadership.depose()
        service.put_pod(replace(web("web-2", 300), backup="c"), node="a", phase="Running")
        await service.settle(5)

        assert service.cluster.placeholders == ["create c"]


async def test_one_that_goes_while_nobody_follows_is_missed_after_the_next_list() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        await service.settle(1)
        [key] = [key for key, one in service.cluster.pods.items() if one.node == "c"]
        del service.cluster.pods[key]
        service.cluster.emit(ClusterUnavailable("the watch broke off"))
        await service.settle(FIRST_S + 5)

        assert service.cluster.lists == 2
        assert held(service) == {"c": 600}


async def test_one_that_is_removed_while_it_is_decided_on_is_not_made_anew_at_once() -> None:
    async with harness() as service:
        service.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        other = replace(web("web-2", 100), backup="b")
        other = service.put_pod(other, node="a", phase="Running")
        await service.settle(1)
        assert held(service) == {"b": 100, "c": 600}
        [key] = [key for key, one in service.cluster.pods.items() if one.node == "c"]
        service.meanwhile = partial(service.delete_pod, key)
        service.put_pod(replace(other, backup=""), node="a", phase="Running")
        await service.settle(1)

        assert service.meanwhile is None
        assert "c" not in held(service)
