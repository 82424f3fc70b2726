"""What happened while pods are in flight: they are judged by it when the decision is known."""

from collections.abc import Iterator
from dataclasses import replace

from scheduler.service.grounds import Grounds
from scheduler.service.hints import helps, hints_of, is_open
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import GroupTold, RoomFreed, Wake, WakeAll
from telemetry.model import empty_rtt

_MOST = 16_384
"""Events of one kind that are kept: a batch in flight for a second or two sees no more. A pod that
misses one for lack of room is tried again."""

_SOME_RTTS = RttChanged(None, empty_rtt())


class EventLog:
    """Events in the order they came, the last of those that are alike.

    `at` is the number of the last one. A pod keeps the number that was current when it was taken.
    """

    def __init__(self) -> None:
        self.at = 0
        self._events: dict[type, dict[Wake, int]] = {}
        self._dropped = 0
        self._answers: dict[tuple[Grounds, int], bool] = {}

    @property
    def kept(self) -> int:
        """How many events are kept."""
        return sum(map(len, self._events.values()))

    def clear(self) -> None:
        """Forget all: nobody is in flight."""
        self._events.clear()
        self._answers.clear()
        self._dropped = self.at

    def add(self, event: Wake) -> None:
        """Take note of an event."""
        self.at += 1
        self._answers.clear()
        kept = _outline(event)
        alike = self._events.setdefault(type(kept), {})
        alike.pop(kept, None)
        alike[kept] = self.at
        if len(alike) > _MOST:
            oldest = next(iter(alike))
            self._dropped = max(self._dropped, alike.pop(oldest))

    def has_helped(self, grounds: Grounds, since: int) -> bool:
        """Whether anything that came after number `since` may help pods that wait on `grounds`."""
        if since < self._dropped:
            return True
        answer = self._answers.get((grounds, since))
        if answer is None:
            answer = any(helps(grounds, event) for event in self._after(grounds, since))
            self._answers[grounds, since] = answer
        return answer

    def _after(self, grounds: Grounds, since: int) -> Iterator[Wake]:
        for kind in self._events.values():
            if not is_open(grounds) and not _concerns(next(iter(kind)), grounds):
                continue
            for event, number in reversed(kind.items()):
                if number <= since:
                    break
                yield event


def _concerns(event: Wake, grounds: Grounds) -> bool:
    """Whether an event of this kind may be about `grounds`, by its rows where it has some."""
    return isinstance(event, WakeAll | GroupTold) or any(
        hint.causes & grounds.causes for hint in hints_of(event)
    )


def _outline(event: Wake) -> Wake:
    """Return what is kept of an event.

    Of RTTs not the tables, which are large. Of room not how much there was before: the decision
    may have counted on it already, for pods that are not assumed yet.
    """
    match event:
        case RttChanged():
            return _SOME_RTTS
        case RoomFreed():
            return replace(event, freed=None)
        case _:
            return event
