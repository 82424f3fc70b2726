"""Nodes on disk: the original edge scheduler's JSON, or Kubernetes Node manifests."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scheduler.domain.errors import InputError
from scheduler.domain.node import HOSTNAME_LABEL, ROLE_LABEL, Node
from scheduler.domain.resources import MEMORY, PODS
from scheduler.files.texts import Document, read_trees
from scheduler.objects.decoding import shorten
from scheduler.objects.node import read_node
from scheduler.objects.requests import read_amounts

KUBELET_MAX_PODS = 110
"""The kubelet's default, for a hand-written manifest that lists no ``pods``."""

_WANTED = (
    'nodes as JSON, {"name": "edge-1", "allocatable_memory": "4Gi", "cloud": false}, '
    "or as Kubernetes Node manifests"
)
_FIELDS = ("name", "allocatable_memory", "cloud")
_ROOMS = ("allocatable",)
_NEAR = 0.8
"""Share of letters in common from which a key is taken for a slip of the pen."""


def read_nodes(path: Path) -> tuple[Node, ...]:
    """Return the nodes of a file or folder, in the order they are written.

    A node in the original's form has no limit but its memory. A Kubernetes node that lists no
    ``pods`` takes as many as a kubelet does by default.

    Raises
    ------
    InputError
        If a file cannot be read, a node has no name or no capacity, or a name is given twice.
    """
    found: dict[str, str] = {}
    nodes = []
    for document in read_trees(path, _WANTED):
        for entry in _entries(document):
            node = _node(entry)
            if node.name in found:
                raise InputError(
                    entry.where,
                    f'names "{shorten(node.name)}", which is also in {found[node.name]}',
                    "give each node a name of its own",
                )
            found[node.name] = entry.where
            nodes.append(node)
    if not nodes:
        raise InputError(str(path), "holds no node", f"give {_WANTED}")
    return tuple(nodes)


def _entries(document: Document) -> Iterator[Document]:
    tree = document.tree
    if tree is None:
        return
    if isinstance(tree, dict) and str(tree.get("kind", "")).endswith("List"):
        tree = [] if tree.get("items") is None else tree["items"]
        if not isinstance(tree, list):
            raise InputError(f"{document.where}: items", "is not a list", f"give {_WANTED}")
        tree = [{"kind": "Node", **item} if isinstance(item, dict) else item for item in tree]
    if isinstance(tree, list):
        for number, item in enumerate(tree, start=1):
            yield Document(f"{document.where}: entry {number}", item)
    else:
        yield document


def _node(entry: Document) -> Node:
    tree = entry.tree
    if not isinstance(tree, dict):
        raise InputError(entry.where, f"is {shorten(tree)}, not a node", f"give {_WANTED}")
    if "kind" not in tree and "metadata" not in tree:
        return _original(entry.where, tree)
    if tree.get("kind") != "Node":
        raise InputError(
            entry.where, f'is of kind "{shorten(tree.get("kind"))}"', "give objects of kind: Node"
        )
    try:
        return _kubernetes(read_node(tree))
    except InputError as error:
        raise InputError(f"{entry.where}: {error.where}", error.what, error.fix) from None


def _kubernetes(node: Node) -> Node:
    if not node.allocatable:
        raise InputError(
            f"Node {node.name}: status.allocatable",
            "is missing",
            'give its capacity, for example {cpu: "4", memory: 8Gi, pods: "110"}',
        )
    return replace(
        node,
        allocatable={PODS: KUBELET_MAX_PODS, **node.allocatable},
        labels={HOSTNAME_LABEL: node.name, **node.labels},
    )


def _original(where: str, tree: Mapping[str, object]) -> Node:
    name = tree.get("name")
    if not isinstance(name, str) or not name.strip():
        what = "has no name" if name is None else f"has the name {shorten(name) or '(empty)'}"
        raise InputError(where, what, 'name it: "name": "edge-1"')
    at = f'{where}: node "{shorten(name)}"'
    unknown = sorted(set(tree) - set(_FIELDS))
    _refuse_misleading(at, unknown)
    if tree.get("allocatable_memory") is None:
        raise InputError(
            at, "has no allocatable_memory", 'give its memory: "allocatable_memory": "4Gi"'
        )
    memory = read_amounts(at, "allocatable", {MEMORY: tree["allocatable_memory"]})
    cloud = tree.get("cloud", False)
    if not isinstance(cloud, bool):
        raise InputError(f"{at}: cloud", f"is {shorten(cloud)}", "write true or false")
    labels = {HOSTNAME_LABEL: name} | ({ROLE_LABEL: "cloud"} if cloud else {})
    return Node(name, memory, labels, is_unlimited=True)


def _refuse_misleading(at: str, unknown: Sequence[str]) -> None:
    """Refuse what looks as if it had an effect; other keys are notes of the user's own."""
    for key in unknown:
        near = difflib.get_close_matches(key.lower(), _FIELDS, n=1, cutoff=_NEAR)
        if near:
            raise InputError(
                f"{at}: {shorten(key)}", "is not known in this format", f"did you mean {near[0]}?"
            )
        if difflib.get_close_matches(key.lower().partition("_")[0], _ROOMS, cutoff=_NEAR):
            raise InputError(
                f"{at}: {shorten(key)}",
                "is not known in this format",
                "write a Kubernetes Node manifest to limit more than memory",
            )
