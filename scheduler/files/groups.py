"""PodGroups on disk, of whichever API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.domain.errors import InputError
from scheduler.domain.pod_group import GroupRef, PodGroup
from scheduler.objects.decoding import described, shorten
from scheduler.objects.pod_group import VERSIONS, api_of, read_pod_group_whole

_FIX = "write one of " + ", ".join(f"{api.value}/{v}" for api, v in VERSIONS.items())


@dataclass(slots=True)
class Groups:
    """Takes PodGroups one after the other. Groups of two APIs may have one name."""

    _found: dict[GroupRef, PodGroup] = field(default_factory=dict)
    _where_of: dict[GroupRef, str] = field(default_factory=dict)

    def take(self, tree: Mapping[str, object], where: str) -> None:
        """Take a PodGroup.

        Parameters
        ----------
        tree
            As written.
        where
            It stands, for the error of one that is given twice.

        Raises
        ------
        InputError
            If it is malformed, of an API that is not known, or given twice.
        """
        version = tree.get("apiVersion")
        api = api_of(version)
        if api is None:
            said = f"is {shorten(version)}, which has no PodGroup that is known"
            raise InputError("PodGroup: apiVersion", said, _FIX)
        group = read_pod_group_whole(tree, api)
        ref = group.ref
        if ref in self._where_of:
            raise InputError(
                described("PodGroup", ref.namespace, ref.name),
                f"is also in {self._where_of[ref]}",
                "give each group a name of its own",
            )
        self._found[ref], self._where_of[ref] = group, where

    def all(self) -> tuple[PodGroup, ...]:
        """Return the groups, in the order they stand."""
        return tuple(self._found.values())
