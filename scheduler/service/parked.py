"""Pods that wait for an event that could help, by the grounds on which they wait.

Pods of one class that were refused alike are judged once, and an event that no ground asks for
costs a look at each of its few rows.
"""

from collections.abc import Callable, Iterator
from typing import Any

from scheduler.service.grounds import AnyCause, Grounds
from scheduler.service.hints import Hint, helps_open, hints_of, is_member, is_open, may_refer
from scheduler.service.wake import GroupTold, Wake, WakeAll, WakeNamed

_Place = AnyCause | tuple[AnyCause, str]
"""A cause, or a cause and a namespace."""


class ParkedPods:
    """Keys of waiting pods; `judged` counts how often an event was held against grounds."""

    def __init__(self) -> None:
        self.judged = 0
        self._grounds: dict[str, Grounds] = {}
        self._pods: dict[Grounds, dict[str, None]] = {}
        self._at: dict[_Place, dict[Grounds, None]] = {}
        self._open: dict[Grounds, None] = {}

    def __len__(self) -> int:
        return len(self._grounds)

    def add(self, key: str, grounds: Grounds) -> None:
        """Take in a pod that waits, or that now waits on other grounds."""
        self.remove(key)
        self._grounds[key] = grounds
        fellows = self._pods.setdefault(grounds, {})
        fellows[key] = None
        if len(fellows) > 1:
            return
        if is_open(grounds):
            self._open[grounds] = None
        for place in _places(grounds):
            self._at.setdefault(place, {})[grounds] = None

    def remove(self, key: str) -> None:
        """Let go of a pod; harmless for one that is not here."""
        grounds = self._grounds.pop(key, None)
        if grounds is None:
            return
        fellows = self._pods[grounds]
        del fellows[key]
        if fellows:
            return
        del self._pods[grounds]
        self._open.pop(grounds, None)
        for place in _places(grounds):
            del self._at[place][grounds]
            if not self._at[place]:
                del self._at[place]

    def grounds(self, key: str) -> Grounds:
        """Return the grounds on which a pod waits."""
        return self._grounds[key]

    def may_refer(self, key: str) -> bool:
        """Whether a change of what a delay of a pod refers to may help it."""
        return key in self._grounds and may_refer(self._grounds[key])

    def helped_by(self, event: Wake) -> list[str]:
        """Return the keys of the pods that an event may help.

        For what goes by a name, who refers to it is found by `ReferenceIndex`.
        """
        if isinstance(event, WakeAll):
            return list(self._grounds)
        if isinstance(event, WakeNamed) or not self._grounds:
            return []
        helped = {g: None for g in self._open if self._judge(helps_open, g, event)}
        if isinstance(event, GroupTold):
            helped |= {g: None for g in self._pods if self._judge(is_member, g, event)}
        for hint in hints_of(event):
            for grounds in self._concerned(hint, event):
                if grounds not in helped and self._judge(hint.helps, grounds, event):
                    helped[grounds] = None
        return [key for grounds in helped for key in self._pods[grounds]]

    def _judge(self, helps: Callable[[Grounds, Any], bool], grounds: Grounds, event: Wake) -> bool:
        self.judged += 1
        return helps(grounds, event)

    def _concerned(self, hint: Hint[Any], event: Wake) -> Iterator[Grounds]:
        """Yield, each once, the grounds that a row is about."""
        namespace = hint.namespace_of(event) if hint.namespace_of is not None else None
        places = [cause if namespace is None else (cause, namespace) for cause in hint.causes]
        found = [self._at[place] for place in places if place in self._at]
        if len(found) == 1:
            yield from found[0]
        elif found:
            yield from {grounds: None for part in found for grounds in part}


def _places(grounds: Grounds) -> Iterator[_Place]:
    for cause in grounds.causes:
        yield cause
        yield cause, grounds.pod_class.namespace
