"""Pod groups, whichever API tells of them, by what their pods call them."""

from collections.abc import Iterator, Mapping

from scheduler.domain.object_events import PodGroupChanged, PodGroupDeleted
from scheduler.domain.pod_group import GroupRef, PodGroup
from scheduler.service.wake import GroupTold, Wake


class GroupTable:
    """The pod groups of the cluster that have an object."""

    def __init__(self) -> None:
        self._groups: dict[GroupRef, PodGroup] = {}
        self._is_lent = False

    def __iter__(self) -> Iterator[GroupRef]:
        return iter(self._groups)

    def put(self, event: PodGroupChanged) -> list[Wake]:
        """Add or change a group. One whose status alone has changed is as it was."""
        group = event.group
        old = self._groups.get(group.ref)
        if old == group:
            return []
        self._unlend()
        self._groups[group.ref] = group
        return [GroupTold(group.ref, old, group)]

    def drop(self, event: PodGroupDeleted) -> list[Wake]:
        """Remove a group; harmless for one that is not known."""
        old = self._groups.get(event.ref)
        if old is None:
            return []
        self._unlend()
        del self._groups[event.ref]
        return [GroupTold(event.ref, old, None)]

    def freeze(self) -> Mapping[GroupRef, PodGroup]:
        """Return all groups; the same mapping as long as none has changed."""
        self._is_lent = True
        return self._groups

    def _unlend(self) -> None:
        """Leave what was handed out as it is."""
        if self._is_lent:
            self._groups, self._is_lent = dict(self._groups), False
