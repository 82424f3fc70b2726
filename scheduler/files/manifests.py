"""Pods on disk: Deployments and their kin, Pods and Services, in any mixture of files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from scheduler.domain.delay import LABEL_PREFIX
from scheduler.domain.errors import InputError
from scheduler.domain.pod_group import PodGroup
from scheduler.domain.storage import Storage
from scheduler.domain.workload import Pod, Service
from scheduler.files.groups import Groups
from scheduler.files.priorities import Priorities, read_priorities
from scheduler.files.surroundings import Surroundings
from scheduler.files.texts import Document, folders_below, read_trees
from scheduler.objects.decoding import described, shorten
from scheduler.objects.pod import pod_phase, read_pod, read_pod_changed
from scheduler.objects.service import read_service
from scheduler.objects.workload import POD_KINDS, pods_of

_WANTED = "manifests of Deployments or Pods: a file, a folder or a .tar.gz of YAML"
_FINISHED = ("Succeeded", "Failed")
_MAKES_PODS = ("template", "jobTemplate", "containers")

Tree = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the files hold.

    `bound` are pods that run already, each with its node; `terminating` holds the keys of those on
    their way out. `warnings` are sentences on what has no effect. `namespaces` are the labels of
    all that are written or used.
    """

    pods: tuple[Pod, ...]
    bound: tuple[tuple[Pod, str], ...] = ()
    terminating: frozenset[str] = frozenset()
    services: tuple[Service, ...] = ()
    warnings: tuple[str, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    groups: tuple[PodGroup, ...] = ()


def read_manifests(path: Path) -> Manifests:
    """Read pods, and what their scheduling depends on: Services, groups, namespaces, claims, ….

    A Pod that a cluster reports as bound keeps its node; finished pods are left out. Objects of
    kinds that have nothing to do with pods, such as ConfigMaps, are left out.

    Raises
    ------
    InputError
        If a file cannot be read, an object is malformed or of a kind whose pods cannot be planned,
        a name of a pod or a group is given twice, or there is no pod at all.
    """
    entries = [entry for document in read_trees(path, _WANTED) for entry in _objects(document)]
    # A class may be written after the pods that name it.
    reader = _Reader(read_priorities((one.where, cast("Tree", one.tree)) for one in entries))
    for name in folders_below(path):
        reader.warnings.append(f"{path}: the sub-folder {name} is not read")
    for entry in entries:
        try:
            reader.take(entry)
        except InputError as error:
            raise InputError(f"{entry.where}: {error.where}", error.what, error.fix) from None
    if not reader.has_workloads:
        raise InputError(str(path), "holds no pod", f"give {_WANTED}")
    return Manifests(
        tuple(reader.pods),
        tuple(reader.bound),
        frozenset(reader.terminating),
        tuple(reader.services),
        tuple(reader.warnings),
        reader.around.labels_of(reader.namespaces()),
        reader.around.storage,
        reader.groups.all(),
    )


@dataclass(slots=True)
class _Reader:
    """Takes objects one after the other."""

    priorities: Priorities
    pods: list[Pod] = field(default_factory=list)
    bound: list[tuple[Pod, str]] = field(default_factory=list)
    terminating: set[str] = field(default_factory=set)
    services: list[Service] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    has_workloads: bool = False
    around: Surroundings = field(default_factory=Surroundings)
    groups: Groups = field(default_factory=Groups)
    _where_of: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Document) -> None:
        """Take the next object."""
        tree = cast("Tree", entry.tree)
        kind = tree.get("kind")
        if kind == "Pod":
            self._pod(tree, entry.where)
        elif kind in POD_KINDS or kind == "DaemonSet":
            self._workload(tree, entry.where)
        elif kind == "Service":
            self.services.append(read_service(tree))
        elif kind == "PodGroup":
            self.groups.take(tree, entry.where)
        elif self.around.take(kind, tree):
            pass
        elif not isinstance(kind, str) or not kind:
            raise InputError("kind", "is missing", "write, for example, kind: Deployment")
        elif _makes_pods(tree):
            raise InputError(
                f"{shorten(kind)}",
                "is of a kind whose pods cannot be planned",
                f"use {', '.join(POD_KINDS)} or Pod",
            )

    def namespaces(self) -> set[str]:
        """Return the namespaces that pods are in."""
        return {pod.namespace for pod in (*self.pods, *(pod for pod, _ in self.bound))}

    def _workload(self, tree: Tree, where: str) -> None:
        made = pods_of(tree)
        self.has_workloads = True
        if not made:
            return
        first = read_pod(self._prioritised(made[0], where))
        for obj in made:
            # Replicas differ in nothing but their names, so that reading one reads them all, unless
            # claims are made for each.
            name = cast("Mapping[str, str]", obj["metadata"])["name"]
            is_own = any(claim.is_ephemeral for claim in first.volumes.claims)
            self._add(read_pod(obj) if is_own else replace(first, name=name), where)
        self._warn_of_misplaced(tree, first, where)

    def _pod(self, tree: Tree, where: str) -> None:
        self.has_workloads = True
        if pod_phase(tree) in _FINISHED:
            return
        changed = read_pod_changed(tree)
        is_bound = bool(changed.node) and isinstance(tree.get("status"), dict)
        if is_bound:
            self._claim(changed.pod, where)
            self.bound.append((changed.pod, changed.node))
            if changed.is_terminating:
                self.terminating.add(changed.pod.key)
        elif not changed.is_terminating:
            self._add(read_pod(self._prioritised(tree, where)), where)

    def _prioritised(self, pod: Tree, where: str) -> Tree:
        spec = pod.get("spec")
        if isinstance(spec, dict) and not self.priorities.knows(spec):
            name = shorten(spec["priorityClassName"])
            self.warnings.append(f"{where}: no file holds the PriorityClass {name}; it counts as 0")
        return self.priorities.filled_in(pod)

    def _add(self, pod: Pod, where: str) -> None:
        self._claim(pod, where)
        self.pods.append(pod)

    def _claim(self, pod: Pod, where: str) -> None:
        if pod.key in self._where_of:
            raise InputError(
                described("Pod", pod.namespace, pod.name),
                f"is also in {self._where_of[pod.key]}",
                "give each pod a name of its own",
            )
        self._where_of[pod.key] = where

    def _warn_of_misplaced(self, tree: Tree, pod: Pod, where: str) -> None:
        """Say that a delay on the workload itself, and not on its pods, has no effect."""
        metadata = tree.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        keys = {key for key in labels or () if key.startswith(LABEL_PREFIX)}
        keys -= {delay.written.partition(":")[0] for delay in pod.pod_class.delays}
        keys -= {fault.key for fault in pod.pod_class.faults}
        self.warnings.extend(
            f"{where}: metadata.labels.{shorten(key)} has no effect on the workload; "
            "move it to spec.template.metadata.labels"
            for key in sorted(keys)
        )


def _objects(document: Document) -> Iterator[Document]:
    """Yield the objects of a document, the items of a List each on its own."""
    tree = document.tree
    if tree is None:
        return
    if not isinstance(tree, dict):
        raise InputError(
            document.where, f"is {shorten(tree)}, not a Kubernetes object", f"give {_WANTED}"
        )
    kind = tree.get("kind")
    if not (isinstance(kind, str) and kind.endswith("List") and "items" in tree):
        yield document
        return
    items = [] if tree["items"] is None else tree["items"]
    if not isinstance(items, list):
        raise InputError(f"{document.where}: items", "is not a list", "write a list of objects")
    item_kind = kind.removesuffix("List")
    head = {"apiVersion": tree.get("apiVersion"), "kind": item_kind}
    for number, item in enumerate(items, start=1):
        at = f"{document.where}: item {number}"
        if not isinstance(item, dict):
            raise InputError(at, f"is {shorten(item)}", "write a Kubernetes object")
        yield Document(at, {**head, **item} if item_kind else item)


def _makes_pods(tree: Tree) -> bool:
    spec = tree.get("spec")
    return isinstance(spec, dict) and any(
        isinstance(spec.get(key), dict | list) for key in _MAKES_PODS
    )
