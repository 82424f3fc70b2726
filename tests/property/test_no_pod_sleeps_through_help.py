"""A waiting pod that would be placed now has been woken, whatever happened and in whatever order.

After each event a fresh decision is made for each pod that nothing woke: it must not place it.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.cluster_events import (
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
)
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.workload import Service
from tests.builders import rtt_ms
from tests.property.bench import Bench
from tests.property.sleepers import (
    APPS,
    CLAIMED,
    NODES,
    THEMES,
    changes,
    one_of,
    plain,
    pods,
    stored,
)

rtts = st.lists(st.lists(one_of(-1, 1, 5, 9), min_size=3, max_size=3), min_size=3, max_size=3).map(
    lambda rows: rtt_ms(NODES, rows)
)

Event = Callable[[], None]
Draw = Callable[[st.DataObject, Bench, str], Event]


def a_cluster(data: st.DataObject, theme: str) -> Bench:
    """Return a cluster with pods that run and, as a rule, some that wait."""
    bench = Bench()
    for name in NODES[: data.draw(st.integers(0, 3), "nodes")]:
        node = plain(name)
        for _ in range(data.draw(one_of(0, 1, 2))):
            node = data.draw(changes(node, theme))
        bench.tell(NodeChanged(node))
    if theme in ("delays", "all of it"):
        bench.measure(data.draw(rtts))
    if theme == "storage":
        for obj in (*CLAIMED, *data.draw(st.lists(stored, max_size=4), "stored")):
            bench.tell(StorageChanged(obj))
    for pod in data.draw(st.lists(pods(theme), max_size=4), "running"):
        elsewhere = replace(pod, scheduler_name="default-scheduler")
        bench.create(elsewhere, data.draw(one_of(*NODES)))
    for pod in data.draw(st.lists(pods(theme), min_size=2, max_size=5), "waiting"):
        bench.create(pod)
    bench.settle()
    return bench


def a_node_event(data: st.DataObject, bench: Bench, theme: str) -> Event:
    if data.draw(st.integers(0, 4)) == 0:
        name = data.draw(one_of(*NODES))
        return lambda: bench.tell(NodeDeleted(name))
    name = data.draw(one_of(*NODES))
    known = bench.state.cache.node(name)
    node = plain(name) if known is None else data.draw(changes(known, theme))
    return lambda: bench.tell(NodeChanged(node))


def an_event_of_a_running_pod(data: st.DataObject, bench: Bench, _theme: str) -> Event:
    pod, node, is_terminating = data.draw(one_of(*bench.running()))
    told = PodChanged(pod, node, "Running", is_terminating=is_terminating)
    how = data.draw(one_of("delete", "finish", "terminate", "relabel", "resize"))
    if how == "delete":
        return lambda: bench.tell(PodDeleted(pod.key, pod.uid))
    if how == "finish":
        return lambda: bench.tell(replace(told, phase="Succeeded"))
    if how == "terminate":
        return lambda: bench.tell(replace(told, is_terminating=True))
    otherwise = (
        {"requests": ()} if how == "resize" else {"labels": (("app", data.draw(one_of(*APPS))),)}
    )
    changed = replace(pod, pod_class=replace(pod.pod_class, **otherwise))
    return lambda: bench.tell(replace(told, pod=changed))


def an_event_of_a_waiting_pod(data: st.DataObject, bench: Bench, theme: str) -> Event:
    pod = data.draw(one_of(*bench.pending()))
    other = data.draw(pods(theme)).pod_class
    names = data.draw(one_of(("labels",), ("requests", "tolerations"), ("delays",)))
    fields = {name: getattr(other, name) for name in names}
    changed = replace(pod, pod_class=replace(pod.pod_class, **fields))
    return lambda: bench.tell(PodChanged(changed, "", "Pending", is_terminating=False))


def an_event_of_names(data: st.DataObject, bench: Bench, _theme: str) -> Event:
    if data.draw(st.booleans()):
        name, app = data.draw(one_of(*APPS, "n2")), data.draw(one_of(*APPS))
        return lambda: bench.tell(ServiceChanged(Service("default", name, (("app", app),))))
    name, labels = data.draw(one_of("default", "other")), data.draw(one_of({}, {"team": "red"}))
    if data.draw(st.integers(0, 4)) == 0:
        return lambda: bench.tell(NamespaceDeleted(name))
    return lambda: bench.tell(NamespaceChanged(name, labels))


def an_event_of_storage(data: st.DataObject, bench: Bench, _theme: str) -> Event:
    known = list(bench.state.cache.storage.known())
    if known and data.draw(st.integers(0, 2)) == 0:
        kind, key = data.draw(one_of(*known))
        return lambda: bench.tell(StorageDeleted(kind, key))
    obj = data.draw(stored)
    return lambda: bench.tell(StorageChanged(obj))


def an_event_of_others(data: st.DataObject, bench: Bench, theme: str) -> Event:
    pod = replace(data.draw(pods(theme)), scheduler_name="default-scheduler")
    node = data.draw(one_of(*NODES))
    return lambda: bench.create(pod, node)


def an_event_of_rtts(data: st.DataObject, bench: Bench, _theme: str) -> Event:
    rtt = data.draw(rtts)
    return lambda: bench.measure(rtt)


def an_event(data: st.DataObject, bench: Bench, theme: str) -> Event:
    """Draw something that happens; what it is about is drawn now."""
    kinds: list[Draw] = [a_node_event, an_event_of_others]
    kinds += [an_event_of_a_running_pod] * 3 if bench.running() else []
    kinds += [an_event_of_a_waiting_pod] if bench.pending() else []
    kinds += [an_event_of_rtts] * 2 if theme in ("delays", "all of it") else []
    kinds += [an_event_of_names] * 2 if theme in ("affinity", "delays", "all of it") else []
    kinds += [an_event_of_storage] * 4 if theme == "storage" else []
    draw: Draw = data.draw(one_of(*kinds), "event")
    return draw(data, bench, theme)


@pytest.mark.parametrize("theme", THEMES)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_pod_sleeps_through_what_would_have_it_placed(theme: str, data: st.DataObject) -> None:
    bench = a_cluster(data, theme)
    assert bench.sleepers() == {}
    for _ in range(data.draw(st.integers(3, 9), "events")):
        an_event(data, bench, theme)()
        assert bench.sleepers() == {}
        if data.draw(st.integers(0, 2)) == 0:
            bench.settle(an_event(data, bench, theme))
            assert bench.sleepers() == {}
