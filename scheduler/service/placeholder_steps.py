"""What is to be done so that the placeholders there are become those there should be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.domain.placeholder import placeholder_name
from scheduler.domain.resources import Resources
from scheduler.service.placeholder_book import Holding


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done on a node: `surplus` deleted, then one created if `requests` says what.

    Requests of a pod cannot be changed: another size is another pod.
    """

    node: str
    surplus: tuple[Holding, ...]
    requests: Resources


def steps(wanted: Mapping[str, Resources], known: Iterable[Holding]) -> list[Step]:
    """Return a step for each node where something is to be done, by name.

    What is right is kept. While one is on its way out, nothing is done on its node: its name is
    not free, and what a kubelet still runs takes room.

    Parameters
    ----------
    wanted
        As `scheduler.reliability.cover.placeholders.wanted_placeholders`.
    known
        Those that are there.
    """
    there: dict[str, list[Holding]] = {}
    for one in known:
        there.setdefault(one.node, []).append(one)
    out = []
    for node in sorted(wanted.keys() | there.keys()):
        here, requests = there.get(node, []), wanted.get(node, ())
        if any(one.is_terminating for one in here):
            continue
        surplus = tuple(one for one in here if not is_right(one, wanted))
        missing = requests if len(surplus) == len(here) else ()
        if surplus or missing:
            out.append(Step(node, surplus, missing))
    return out


def is_right(one: Holding, wanted: Mapping[str, Resources]) -> bool:
    """Whether a placeholder holds what is wanted on its node."""
    return (
        not one.is_over
        and not one.is_terminating
        and one.pod.name == placeholder_name(one.node)
        and one.requests == wanted.get(one.node)
    )
