"""No pod is ever lost by the queue, whatever happens in whatever order."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from scheduler.domain.workload import Pod, PodClass
from scheduler.service.queue import SchedulingQueue
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import Stage
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import Wake, WakeAll, WakeNamed
from telemetry.model import empty_rtt
from tests.builders import within

NAMES = ("p", "q", "r", "s")
CLASSES = (
    PodClass(),
    PodClass(priority=5),
    PodClass(delays=(within(5, "q"),)),
    PodClass(delays=(within(5, "p"),)),
)
LIMITS = QueueSettings()


class QueueMachine(RuleBasedStateMachine):
    """The queue beside the set of pods that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = SchedulingQueue(LIMITS)
        self.now_s = 0.0
        self.waiting: dict[str, Pod] = {}
        self.taken: dict[str, Pod] = {}
        self.uid = 0

    @rule(name=st.sampled_from(NAMES), pod_class=st.sampled_from(CLASSES), is_gated=st.booleans())
    def create(self, name: str, pod_class: PodClass, *, is_gated: bool) -> None:
        """Add a pod, perhaps under the name of one that is still known."""
        self.uid += 1
        pod = Pod(name, pod_class, uid=str(self.uid), created_s=self.now_s, is_gated=is_gated)
        self.waiting[pod.key] = pod
        self.taken.pop(pod.key, None)
        self.queue.put(pod, self.now_s)
        self.queue.put(pod, self.now_s)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), pod_class=st.sampled_from(CLASSES))
    def change(self, data: st.DataObject, pod_class: PodClass) -> None:
        """Change a pod; gates only ever go."""
        pod = self.waiting[data.draw(st.sampled_from(sorted(self.waiting)))]
        pod = replace(pod, pod_class=pod_class, is_gated=False)
        self.waiting[pod.key] = pod
        self.queue.put(pod, self.now_s)

    @rule(name=st.sampled_from(NAMES))
    def drop(self, name: str) -> None:
        """Take a pod out, known or not."""
        self.waiting.pop(f"default/{name}", None)
        self.taken.pop(f"default/{name}", None)
        self.queue.drop(f"default/{name}")

    @rule()
    def take(self) -> None:
        """Take a batch."""
        batch = self.queue.take(self.now_s)
        assert len({pod.key for pod in batch}) == len(batch)
        for pod in batch:
            assert pod == self.waiting[pod.key]
            assert not pod.is_gated
            assert pod.key not in self.taken
            self.taken[pod.key] = pod

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), how=st.sampled_from(("park", "retry", "again")))
    def give_back(self, data: st.DataObject, how: str) -> None:
        """Answer for a pod of an earlier batch."""
        pod = self.taken.pop(data.draw(st.sampled_from(sorted(self.taken))))
        getattr(self.queue, how)(pod, self.now_s)
        queued = self.queue.get(pod.key)
        assert queued is not None
        assert queued.stage is not Stage.IN_FLIGHT
        if how == "retry":
            wait_s = queued.retry_s - self.now_s
            assert LIMITS.initial_backoff_seconds <= wait_s <= LIMITS.max_backoff_seconds + 1e-6

    @rule(name=st.sampled_from(NAMES))
    def give_back_a_stranger(self, name: str) -> None:
        """Answer for a pod that was never taken."""
        self.queue.retry(Pod(name, PodClass(), uid="never seen"), self.now_s)

    @rule(
        wake=st.sampled_from(
            (
                WakeAll("NodeAdd"),
                RttChanged(None, empty_rtt()),
                WakeNamed("PodAdd", "default", frozenset({"p"}), skips_backoff=True),
                WakeNamed("PodUpdate", "default", frozenset({"q", "x"})),
            )
        )
    )
    def wake(self, wake: Wake) -> None:
        """Let something happen that may help."""
        self.queue.wake([wake], self.now_s)

    @rule(step_s=st.sampled_from((0.004, 0.011, 0.5, 1.0, 11.0, 301.0)))
    def let_time_pass(self, step_s: float) -> None:
        """Move the clock."""
        self.now_s += step_s

    @invariant()
    def every_pod_is_at_exactly_one_stage(self) -> None:
        """Count each pod once, at the stage its entry names."""
        assert sum(self.queue.counts().values()) == len(self.queue) == len(self.waiting)
        for key, pod in self.waiting.items():
            queued = self.queue.get(key)
            assert queued is not None
            assert queued.pod == pod
            assert (queued.stage is Stage.IN_FLIGHT) == (key in self.taken)

    @invariant()
    def a_waiting_pod_always_has_a_time_to_be_looked_at(self) -> None:
        """Ask when: without an answer the loop would sleep for ever."""
        stages = self.queue.counts()
        if stages[Stage.ACTIVE] or stages[Stage.BACKOFF] or stages[Stage.UNSCHEDULABLE]:
            assert self.queue.next_s() is not None

    @override
    def teardown(self) -> None:
        """Answer for all, wait for the longest wait: each ungated pod is taken."""
        for pod in self.taken.values():
            self.queue.park(pod, self.now_s)
        seen: set[str] = set()
        end_s = self.now_s + LIMITS.flush_seconds + LIMITS.max_backoff_seconds + 1
        while (due_s := self.queue.next_s()) is not None and due_s <= end_s:
            self.now_s = max(self.now_s, due_s)
            seen |= {pod.key for pod in self.queue.take(self.now_s)}
        assert seen == {key for key, pod in self.waiting.items() if not pod.is_gated}


TestSchedulingQueue = QueueMachine.TestCase
TestSchedulingQueue.settings = settings(max_examples=100, stateful_step_count=40)
