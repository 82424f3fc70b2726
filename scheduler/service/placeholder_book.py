"""The placeholders that are there, or may be: kept apart from pods, whose load they are not.

The room they take is the reserve itself, which decisions keep free anyway.
"""

from dataclasses import dataclass, field

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.placeholder import is_placeholder
from scheduler.domain.resources import Resources
from scheduler.domain.workload import Pod

_FINISHED_PHASES = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Holding:
    """A placeholder as the cluster tells of it. One that `is_over` takes no room any more."""

    pod: Pod
    node: str
    is_over: bool
    is_terminating: bool
    reason: str

    @property
    def requests(self) -> Resources:
        """What it holds."""
        return self.pod.pod_class.requests


@dataclass(slots=True)
class PlaceholderBook:
    """What is known of placeholders.

    Parameters
    ----------
    namespace
        Where they are kept; empty for none.
    scheduler_name
        Whose they are.
    """

    namespace: str = ""
    scheduler_name: str = ""
    version: int = 0
    """Counts what became of them."""
    lost: list[Holding] = field(default_factory=list)
    """Those that others removed, or that a kubelet did not keep, to be told of."""
    leaving: set[str] = field(default_factory=set)
    """Uids of those that we delete."""
    _known: dict[str, Holding] = field(default_factory=dict)
    _on: dict[str, set[str]] = field(default_factory=dict)
    _coming: dict[str, tuple[str, Resources]] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def uid_of(self, key: str) -> str:
        """Return the uid of the one known by a key, or the empty text."""
        known = self._known.get(key)
        return known.pod.uid if known is not None else ""

    def takes(self, pod: Pod) -> bool:
        """Whether a pod belongs here."""
        return bool(self.namespace) and is_placeholder(pod, self.namespace, self.scheduler_name)

    def known(self) -> dict[str, Holding]:
        """Return those the cluster has told of, by key."""
        return dict(self._known)

    def on(self, node: str) -> list[Holding]:
        """Return those known on a node that take room there."""
        here = [self._known[key] for key in sorted(self._on.get(node, ()))]
        return [one for one in here if not one.is_over]

    def coming(self, node: str) -> tuple[str, Resources] | None:
        """Return name and requests of one that was asked for and not told of yet."""
        return self._coming.get(node)

    def expect(self, node: str, name: str, requests: Resources) -> None:
        """Take note that one is asked for: its room is taken from now on."""
        self._coming[node] = name, requests

    def expect_no_more(self, node: str) -> None:
        """Take note that it does not come."""
        self._coming.pop(node, None)

    def put(self, event: PodChanged) -> None:
        """Take in what the cluster says of one."""
        pod, before = event.pod, self._known.get(event.pod.key)
        is_over = event.phase in _FINISHED_PHASES
        told = Holding(pod, event.node, is_over, event.is_terminating, event.reason)
        if before is not None and before.pod.uid != pod.uid:
            self.drop(pod.key, before.pod.uid)
        elif is_over and (before is None or not before.is_over):
            self._lose(told)
        if told != before:
            self.version += 1
        self._known[pod.key] = told
        self._on.setdefault(event.node, set()).add(pod.key)
        if self._coming.get(event.node, ("", ()))[0] == pod.name:
            del self._coming[event.node]

    def drop(self, key: str, uid: str) -> None:
        """Remove one; harmless for one that is not known, or known by another uid."""
        known = self._known.get(key)
        if known is not None and known.pod.uid == uid:
            del self._known[key]
            self._on[known.node].discard(key)
            self.version += 1
            if not known.is_over:
                self._lose(known)
            self.leaving.discard(uid)

    def _lose(self, one: Holding) -> None:
        if one.pod.uid not in self.leaving:
            self.lost.append(one)
