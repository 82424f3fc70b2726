"""Running pods of the cold start: as ours reads them, bound and running, of few classes."""

import msgspec

from benchmarks.live.runners import REPLICAS, runner_body, status_body
from scheduler.objects.pod_reader import PodReader


def stored(number: int) -> bytes:
    """Return a pod as the API server has it after both requests."""
    made = msgspec.json.decode(runner_body(number, 7))
    made["metadata"] |= {"namespace": "preset", "uid": f"uid-{number}"}
    return msgspec.json.encode(made | msgspec.json.decode(status_body(number)))


def test_a_runner_is_bound_and_runs() -> None:
    told = PodReader()(stored(9))

    assert (told.node, told.phase) == ("node-2", "Running")
    assert told.pod.pod_class.unsupported == ()


def test_replicas_are_of_one_class() -> None:
    read = PodReader()
    classes = {read(stored(number)).pod.pod_class for number in range(3 * REPLICAS)}

    assert len(classes) == 3
