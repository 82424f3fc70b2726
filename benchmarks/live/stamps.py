"""When each pod was first seen, and when first seen bound."""

from dataclasses import dataclass, field

import msgspec


class _Metadata(msgspec.Struct):
    name: str
    resourceVersion: str = ""  # noqa: N815 - the API's name


class _Spec(msgspec.Struct):
    nodeName: str = ""  # noqa: N815 - the API's name


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINE, _POD = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Pod)


class WatchBroken(Exception):
    """The watch reported an error: what happened since is not known, the run is void."""


@dataclass(slots=True)
class Stamps:
    """Of the pods of one namespace; times are seconds of the machine's monotonic clock."""

    version: str
    created_s: dict[str, float] = field(default_factory=dict)
    bound_s: dict[str, float] = field(default_factory=dict)
    node: dict[str, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    """Pods that were seen on two nodes, and pods that were deleted: there must be none."""

    def take(self, line: bytes, now_s: float) -> None:
        """Take in one line of a watch of pods.

        Raises
        ------
        WatchBroken
            If it says that the watch has failed.
        """
        said = _LINE.decode(line)
        if said.type == "ERROR":
            raise WatchBroken(bytes(said.object).decode(errors="replace"))
        if said.type == "BOOKMARK":
            return
        pod = _POD.decode(said.object)
        name, node = pod.metadata.name, pod.spec.nodeName
        self.version = pod.metadata.resourceVersion
        self.created_s.setdefault(name, now_s)
        if said.type == "DELETED":
            self.moved.append(f"{name} was deleted")
        elif node and self.node.setdefault(name, node) != node:
            self.moved.append(f"{name} was bound to {self.node[name]} and to {node}")
        if node:
            self.bound_s.setdefault(name, now_s)
