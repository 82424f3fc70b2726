"""What is judged at a binding: room and budgets by the sender's cache, and a second node."""

import json

from scheduler.domain.cluster_events import NodeChanged, PodChanged
from scheduler.service.cache import Cache
from tests.builders import node, pod, rtt_ms
from tests.faults.at_bind import BindJudge
from tests.faults.messages import Answer, Request


def _binding(name: str, to: str, number: int = 1, process: str = "one") -> Request:
    body = {
        "metadata": {"namespace": "default", "name": name, "uid": f"uid-{name}"},
        "target": {"name": to},
    }
    path = f"/api/v1/namespaces/default/pods/{name}/binding"
    return Request("POST", path, {}, json.dumps(body).encode(), process, number)


def _cache(*placed: tuple[str, str, int]) -> Cache:
    cache = Cache()
    for name in ("a", "b"):
        cache.apply(NodeChanged(node(name, cpu_milli=1_000)))
    for name, at, cpu_milli in placed:
        cache.apply(PodChanged(pod(name, cpu_milli=cpu_milli), at, "Running", False))  # noqa: FBT003 - its field
    cache.rtt = rtt_ms(["a", "b"], [[0, 20], [20, 0]])
    return cache


def test_a_node_with_room_for_all_is_not_overcommitted() -> None:
    cache = _cache(("p", "a", 600), ("q", "a", 400))

    assert BindJudge().sent(_binding("p", "a"), cache, None, 0.0) == []


def test_a_node_that_is_to_hold_more_than_it_has_is_overcommitted() -> None:
    cache = _cache(("p", "a", 600), ("q", "a", 500))

    (wrong,) = BindJudge().sent(_binding("p", "a"), cache, None, 0.0)

    assert wrong == "overcommitted: a has 1000 of cpu, and is to have 1100 taken"


def test_a_node_that_is_gone_cannot_be_bound_to() -> None:
    (wrong,) = BindJudge().sent(_binding("p", "c"), _cache(), None, 0.0)

    assert wrong.startswith("overcommitted: c ")


def test_a_budget_is_judged_by_the_rtts_of_the_sender() -> None:
    def wrong(within: str) -> list[str]:
        told = {"metadata": {"uid": "uid-p", "labels": {"delay_a": within}}}
        return BindJudge().sent(_binding("p", "b"), _cache(), told, 0.0)

    assert wrong("20") == []
    assert wrong("19.9") == ["budget: default/p on b asks for delay_a=19.9, and has a 20000 us"]


def test_a_second_node_is_wrong_while_the_first_binding_may_be_carried_out() -> None:
    def wrong(answer: int | None, after_s: float) -> list[str]:
        judge, first = BindJudge(), _binding("p", "a")
        judge.sent(first, _cache(), None, 0.0)
        judge.heard(first, None if answer is None else Answer(answer))
        return judge.sent(_binding("p", "b", number=2), _cache(), None, after_s)

    assert wrong(409, 1.0) == []
    assert wrong(None, 61.0) == []
    assert wrong(None, 59.0)
    assert wrong(504, 59.0)
    assert wrong(201, 3600.0)
