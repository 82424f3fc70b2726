"""Judges each binding at the moment it is sent, by what the sender then knew.

Room: the requests of all pods that its cache had on the node, bound or assumed, this one included,
against what it had seen the node to have. Budgets: each hard delay of the pod, read from its labels
in the API, by the RTT table the service had and the places of references in its cache. A pod is
bound twice if it is sent to a second node while a binding to the first was carried out, or still
may be: the server takes up to a minute (``--request-timeout``).
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduler.service.cache import Cache
from scheduler.service.pod_columns import PodRecord, PodState
from simulator.change import JsonObject
from tests.faults.messages import Answer, Request

_MAY_STILL_COME_S = 60.0
_PLACED = (PodState.BOUND, PodState.ASSUMED)
_DELAY = "delay_"


@dataclass(slots=True)
class Call:
    """A binding that was sent. `answer` is its status, or 0 while there is none."""

    process: str
    uid: str
    node: str
    sent_s: float
    answer: int = 0

    def may_stand(self, now_s: float) -> bool:
        """Whether it was carried out or may be, as far as its sender can know."""
        if self.answer == 0 or self.answer >= 500:
            return now_s - self.sent_s < _MAY_STILL_COME_S
        return self.answer < 300


class BindJudge:
    """Hears of every binding of every process. `calls` by number of the request."""

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}

    def sent(
        self, request: Request, cache: Cache, pod: JsonObject | None, now_s: float
    ) -> list[str]:
        """Return what is wrong with a binding that is sent now; `pod` is as the API has it."""
        body = json.loads(request.body)
        uid, node = body["metadata"]["uid"], body["target"]["name"]
        key = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
        wrong = [
            f"doubled: {key} is sent to {node}, and was to {call.node} at {call.sent_s:.3f} s"
            for call in self.calls.values()
            if (call.uid, call.process) == (uid, request.process)
            and call.node != node
            and call.may_stand(now_s)
        ]
        self.calls[request.number] = Call(request.process, uid, node, now_s)
        wrong += _overcommitted(cache, node)
        if pod is not None and pod["metadata"]["uid"] == uid:
            wrong += _broken_budgets(cache, key, pod["metadata"].get("labels", {}), node)
        return wrong

    def heard(self, request: Request, answer: Answer | None) -> None:
        """Take note of an answer; None where there will be none."""
        if answer is not None:
            self.calls[request.number].answer = answer.status


def _overcommitted(cache: Cache, name: str) -> Iterator[str]:
    node = cache.node(name)
    if node is None:
        yield f"overcommitted: {name} is bound to, and is gone"
        return
    used = Counter[str]()
    for record in cache.pods.records.values():
        if record.node == name and record.state in _PLACED:
            used.update({**dict(record.pod.pod_class.requests), "pods": 1})
    for resource, amount in used.items():
        if amount > node.allocatable.get(resource, 0):
            has = node.allocatable.get(resource, 0)
            yield f"overcommitted: {name} has {has} of {resource}, and is to have {amount} taken"


def _broken_budgets(cache: Cache, key: str, labels: dict[str, str], node: str) -> Iterator[str]:
    for label, value in labels.items():
        if not label.startswith(_DELAY):
            continue
        name, within_us = label.removeprefix(_DELAY), float(value) * 1000
        is_own = labels.get("app") == name
        if cache.node(name) is not None:
            places = {name}
        else:
            records = cache.pods.records.values()
            places = {r.node for r in records if _is_reference(r, name, key, cache)}
        rtts_us = [_rtt_us(cache, place, node) for place in sorted(places)]
        holds = [0 <= rtt_us <= within_us for rtt_us in rtts_us]
        if not (all(holds) if is_own else any(holds)):
            told = ", ".join(f"{p} {r} us" for p, r in zip(sorted(places), rtts_us, strict=True))
            yield f"budget: {key} on {node} asks for {label}={value}, and has {told or 'nobody'}"


def _is_reference(record: PodRecord, workload: str, besides: str, cache: Cache) -> bool:
    pod = record.pod
    return (
        ("app", workload) in pod.pod_class.labels
        and pod.key != besides
        and record.state in _PLACED
        and not record.is_terminating
        and cache.node(record.node) is not None
    )


def _rtt_us(cache: Cache, reference: str, node: str) -> int:
    if reference == node:
        return 0
    row, column = cache.rtt.index.get(reference), cache.rtt.index.get(node)
    if row is None or column is None:
        return -1
    return int(cache.rtt.between(np.array([row]), np.array([column]))[0])
