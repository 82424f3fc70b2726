"""Which pods are decided on together: the first in line, what they refer to, and their groups."""

from collections.abc import Callable, Iterable
from itertools import islice

from scheduler.domain.pod_group import GroupRef
from scheduler.domain.workload import IDENTITY_LABELS, Pod
from scheduler.placement.between.standing_pods import selected_keys
from scheduler.service.queued_pod import QueuedPod, queue_order
from scheduler.service.references import referred


def first_classes(active: Iterable[QueuedPod], most: int) -> list[QueuedPod]:
    """Return the pods of the first classes in line, in order.

    Pods with volumes or a nominated node are of a class of their own in a decision, and so are pods
    with numbers where a selector asks for them (`scheduler.placement.apart`). They count so here;
    selectors of pods that stand are left out.

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
    asks = _asks_for_numbers(ordered)
    of = [_class_in_decision(queued.pod, with_numbers=asks) for queued in ordered]
    chosen = set(islice(dict.fromkeys(of), most))
    return [queued for queued, one in zip(ordered, of, strict=True) if one in chosen]


def _class_in_decision(pod: Pod, *, with_numbers: bool) -> tuple[object, ...]:
    # Readers share equal classes, so that one is one object; where not, a batch is only smaller.
    numbers = pod.identity_labels if with_numbers else ()
    return id(pod.pod_class), pod.volumes, pod.nominated_node, numbers


def _asks_for_numbers(waiting: Iterable[QueuedPod]) -> bool:
    """Whether a waiting pod's selector names a label that numbers pods."""
    pods = [queued.pod for queued in waiting]
    if not any(pod.identity_labels for pod in pods):
        return False
    classes = {id(pod.pod_class): pod.pod_class for pod in pods}.values()
    return not IDENTITY_LABELS.isdisjoint(selected_keys(classes))


def fetch_companions(
    batch: list[QueuedPod],
    waiting_as: Callable[[str, str], list[QueuedPod]],
    waiting_with: Callable[[GroupRef], list[QueuedPod]],
) -> None:
    """Add to a batch the waiting pods that it refers to and those of its groups, and so on.

    Pods that refer to each other, and those of one group, can only be placed together.

    Parameters
    ----------
    batch
        Added to in place.
    waiting_as
        Returns the waiting pods that go by a name in a namespace, in order.
    waiting_with
        Returns the waiting pods of a group, in order.
    """
    taken = {queued.pod.key for queued in batch}
    asked: set[tuple[str, str] | GroupRef] = set()
    for queued in batch:  # grows as it is walked
        found: list[QueuedPod] = []
        for namespace, name in referred(queued.pod.pod_class):
            if (namespace, name) not in asked:
                asked.add((namespace, name))
                found += waiting_as(namespace, name)
        group = queued.pod.pod_class.group
        if group is not None and group not in asked:
            asked.add(group)
            found += waiting_with(group)
        for companion in found:
            if companion.pod.key not in taken:
                taken.add(companion.pod.key)
                batch.append(companion)
