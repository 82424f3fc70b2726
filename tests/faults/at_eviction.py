"""Judges each eviction at the moment it is sent, by what the sender then knew.

Nothing may be made to leave without need: a budget of the pod, or of one that refers to it, has to
be broken by the sender's own RTT table, or have been within the seconds that confirming it takes.
Of a workload one pod leaves at a time: the next one when the place of the one before was taken, or
given up.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.domain.cover import REPLACES_ANNOTATION
from scheduler.reliability.budgets import Break, broken_budgets
from scheduler.reliability.repair.moves import MOVABLE
from scheduler.service.cache import Cache
from scheduler.service.kept_places import MOVED_S
from scheduler.service.pod_columns import PodRecord
from tests.faults.messages import Answer, Request
from tests.faults.scene import OURS

_CONFIRMED_S = 15.0
"""Longest time from a budget's break in the table to an eviction that may still rest on it."""


@dataclass(slots=True)
class Eviction:
    """An eviction that was sent. `answer` is its status, or 0 while there is none."""

    process: str
    uid: str
    workload: object
    sent_s: float
    answer: int = 0

    @property
    def may_stand(self) -> bool:
        """Whether it was carried out, or may be."""
        return self.answer < 300 or self.answer >= 500


class EvictionJudge:
    """Hears of every eviction of every process. `calls` by number of the request."""

    def __init__(self) -> None:
        self.calls: dict[int, Eviction] = {}
        self._broken_s: dict[str, float] = {}
        self._taken: set[str] = set()

    def bound(self, request: Request) -> None:
        """Hear of a binding that is sent: the place of a pod that was made to leave is taken."""
        marks = json.loads(request.body)["metadata"]["annotations"]
        self._taken.add(marks.get(REPLACES_ANNOTATION, ""))

    def _look(self, cache: Cache, now_s: float, wall_s: float) -> None:
        """Take note of which pods' budgets are broken by a table, and by whose pods."""
        for one in broken_budgets(cache.freeze((), wall_s)):
            if one.kind is not Break.NOT_MEASURED:
                self._broken_s[one.pod.uid] = now_s
                self._broken_s[one.constraint.reference.name] = now_s

    def sent(self, request: Request, cache: Cache, now_s: float, wall_s: float) -> list[str]:
        """Return what is wrong with an eviction that is sent now; `wall_s` as its sender has it."""
        body = json.loads(request.body)
        uid = body["deleteOptions"]["preconditions"]["uid"]
        key = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
        self._look(cache, now_s, wall_s)
        record = cache.pods.get(key)
        workload = record.pod.pod_class.workload if record is not None else None
        wrong = list(self._needless(record, key, uid, now_s))
        wrong += [
            f"moved: {key} is made to leave while another of {workload} is on its way"
            for call in self.calls.values()
            if (call.process, call.workload) == (request.process, workload)
            and call.may_stand
            and now_s - call.sent_s < MOVED_S
            and call.uid not in self._taken
        ]
        self.calls[request.number] = Eviction(request.process, uid, workload, now_s)
        return wrong

    def heard(self, request: Request, answer: Answer | None) -> None:
        """Take note of an answer; None where there will be none."""
        if answer is not None:
            self.calls[request.number].answer = answer.status

    def _needless(
        self, record: PodRecord | None, key: str, uid: str, now_s: float
    ) -> Iterator[str]:
        if record is None or record.pod.uid != uid or record.is_terminating:
            yield f"moved: {key} is made to leave, and is not there"
            return
        pod = record.pod
        workload = pod.pod_class.workload
        if workload is None or workload.kind not in MOVABLE or pod.scheduler_name != OURS:
            yield f"moved: {key} is made to leave, and nobody would make another for us"
        names = (uid, workload.name if workload is not None else "", pod.name)
        last_s = max(self._broken_s.get(name, -1e9) for name in names)
        if now_s - last_s > _CONFIRMED_S:
            yield f"moved: {key} is made to leave {record.node}, and no budget was broken"
