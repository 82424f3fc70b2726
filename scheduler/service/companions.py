"""Which pods are decided on together: the first in line, and those that they refer to."""

from collections.abc import Callable, Iterable

from scheduler.service.queued_pod import QueuedPod, queue_order
from scheduler.service.references import referred


def first_classes(active: Iterable[QueuedPod], most: int) -> list[QueuedPod]:
    """Return the pods of the first classes in line, in order.

    A decision takes as long as there are classes: of thousands that become due at once the first
    are bound while the others are decided on.

    Parameters
    ----------
    active
        Pods to be decided on.
    most
        Most classes.
    """
    ordered = sorted(active, key=queue_order)
    # Readers share equal classes, so that one is one object; where not, a batch is only smaller.
    classes = {id(queued.pod.pod_class) for queued in ordered}
    if len(classes) <= most:
        return ordered
    chosen: set[int] = set()
    for queued in ordered:
        if len(chosen) < most:
            chosen.add(id(queued.pod.pod_class))
    return [queued for queued in ordered if id(queued.pod.pod_class) in chosen]


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
