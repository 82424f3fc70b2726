"""On which grounds a pod waits: what an event is judged against, the same for many pods."""

from dataclasses import dataclass, field

from scheduler.domain.reasons import Cause, PodCause, Refusal
from scheduler.domain.storage import PodVolumes
from scheduler.domain.workload import Labels, Pod, PodClass

AnyCause = Cause | PodCause

STORAGE: frozenset[AnyCause] = frozenset({Cause.VOLUME, PodCause.VOLUME})
REFERENCES: frozenset[AnyCause] = frozenset(
    {
        Cause.DELAY,
        Cause.DELAY_UNKNOWN,
        PodCause.UNKNOWN_REFERENCE,
        PodCause.REFERENCE_PENDING,
    }
)
"""What may be lifted where the reference of a delay comes, goes, or moves."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why pods of a class wait: the causes of a refusal, each of which ruled some node out first.

    `identity_labels` and `volumes` are told apart only where a cause depends on them.
    """

    pod_class: PodClass
    causes: frozenset[AnyCause]
    identity_labels: Labels = ()
    volumes: PodVolumes = field(default_factory=PodVolumes)


def grounds_of(pod: Pod, refusal: Refusal | None) -> Grounds:
    """Return the grounds on which a pod waits; open ones where no refusal is known."""
    causes: frozenset[AnyCause] = frozenset()
    if refusal is not None:
        causes |= {reason.cause for reason in refusal.node_reasons}
        causes |= {reason.cause for reason in refusal.pod_reasons}
    return Grounds(
        pod.pod_class,
        causes,
        identity_labels=pod.identity_labels if Cause.POD_AFFINITY in causes else (),
        volumes=pod.volumes if causes & STORAGE else PodVolumes(),
    )
