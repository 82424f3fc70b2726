"""Waiting pods that come along with a batch because one of it refers to them."""

from collections.abc import Callable

from scheduler.service.queued_pod import QueuedPod
from scheduler.service.references import referred


def fetch_companions(
    batch: list[QueuedPod], waiting_as: Callable[[str, str], list[QueuedPod]]
) -> None:
    """Add to a batch the waiting pods that it refers to, and those that they refer to.

    Pods that refer to each other can only be placed together.

    Parameters
    ----------
    batch
        Added to in place.
    waiting_as
        Returns the waiting pods that go by a name in a namespace, in order.
    """
    taken = {queued.pod.key for queued in batch}
    asked: set[tuple[str, str]] = set()
    for queued in batch:  # grows as it is walked
        for namespace, name in referred(queued.pod.pod_class):
            if (namespace, name) in asked:
                continue
            asked.add((namespace, name))
            for companion in waiting_as(namespace, name):
                if companion.pod.key not in taken:
                    taken.add(companion.pod.key)
                    batch.append(companion)
