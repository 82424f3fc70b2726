"""First arrangements: from the hosts a decision chose, and from nothing."""

from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.making import Made
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE, CoverProblem


def first_arrangement(problem: CoverProblem, pairs: Pairs) -> Arrangement:
    """Return an arrangement from nothing: each pod takes the pair that costs least then."""
    arrangement = Arrangement(problem, pairs)
    for pod in _by_urgency(arrangement, pairs):
        arrangement.insert(pod)
    return arrangement


def kept_arrangement(made: Made, pairs: Pairs) -> Arrangement:
    """Return an arrangement with each pod on the host that a decision chose, as far as may be.

    Where a pod must be covered and cannot be there, it goes elsewhere, or nowhere.
    """
    problem = made.problem
    arrangement = Arrangement(problem, pairs)
    order = _by_urgency(arrangement, pairs)
    for pod in order:
        if not arrangement.is_pinned(pod) and made.start[pod] != NOWHERE:
            arrangement.put(pod, made.start[pod], NOWHERE)
    for pod in order:
        if arrangement.host[pod] != NOWHERE and not arrangement.is_done(pod):
            arrangement.back_up(pod)
    _cover_elsewhere(arrangement, [pod for pod in order if not arrangement.is_done(pod)])
    return arrangement


def _cover_elsewhere(arrangement: Arrangement, bare: list[int]) -> None:
    """Have pods without cover somewhere else, if that gets them one."""
    if arrangement.problem.must_cover:
        for pod in bare:
            arrangement.remove(pod)  # all at once: their room is better used
    for pod in bare:
        arrangement.remove(pod)
        arrangement.insert(pod)


def _by_urgency(arrangement: Arrangement, pairs: Pairs) -> list[int]:
    """Return pods of high priority first, then pinned, then large ones, then those of few pairs."""
    problem = arrangement.problem
    size = [float(made.demand @ problem.weight) for made in problem.classes]

    def urgency(pod: int) -> tuple[float, ...]:
        number = arrangement.class_of(pod)
        is_free, rank = not arrangement.is_pinned(pod), problem.classes[number].rank
        return (rank, is_free, -size[number], pairs.of(pod).fixed.size, pod)

    return sorted(range(len(problem.class_of)), key=urgency)
