"""Makes a case as small as it can be while it still shows what it was kept for.

Delta debugging on JSON: first whole objects go, many at a time, then fields and items of lists,
from the outside in, until nothing more can go. What the API server demands stays.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.parity.oracle_process import Case

Path = tuple[str | int, ...]

_NEEDED = frozenset(
    {
        "id", "mode", "judge", "nodes", "pod", "namespaces", "workloads", "replicas",
        "metadata", "spec", "status", "name", "namespace",
        "uid", "key", "operator", "topologyKey", "effect", "type", "maxSkew", "whenUnsatisfiable",
        "weight", "podAffinityTerm", "preference", "containers", "containerPort", "claimName",
        "provisioner", "volumeClaimTemplate", "capacity", "accessModes", "driver", "volumeHandle",
        "nodeSelectorTerms", "attacher", "source", "nodeName", "attached", "targetPortal", "iqn",
        "lun", "monitors", "pdName", "volumeID", "pool", "controller", "sizeBytes", "nodeID",
        "storageClassName", "required", "image", "imageID", "ready", "restartCount", "path",
        "server", "kind", "apiVersion",
    }
)  # fmt: skip
"""Fields without which the API server would not take the object, or without which it is another."""

_NEVER_EMPTY = frozenset(
    {
        "nodes", "namespaces", "workloads", "replicas", "values", "containers", "accessModes",
        "nodeSelectorTerms", "monitors", "matchLabelExpressions", "names", "judge",
    }
)  # fmt: skip

_WITH_SIZES = ("persistentVolumes", "persistentVolumeClaims", "volumeClaimTemplate")
_SOURCES = ("csi", "local", "nfs", "gcePersistentDisk", "awsElasticBlockStore")


def shrunk(case: Case, is_same: Callable[[Case], bool], *, most_tries: int = 3_000) -> Case:
    """Return a smaller case.

    Parameters
    ----------
    case
        To begin with.
    is_same
        Whether a case still shows it.
    most_tries
        Most cases to try.
    """
    left = most_tries
    size = None
    while size != (size := len(str(case))) and left > 0:
        for candidates in (_without_objects, _without_parts):
            case, left = _round(case, is_same, candidates, left)
    return case


def _round(
    case: Case,
    is_same: Callable[[Case], bool],
    candidates: Callable[[Case], Iterator[tuple[Path, slice]]],
    left: int,
) -> tuple[Case, int]:
    """Try each candidate once; those found at the start, as far as they are still there."""
    for path, which in list(candidates(case)):
        if left <= 0:
            break
        smaller = _without(case, path, which)
        if smaller is None:
            continue
        left -= 1
        if is_same(smaller):
            case = smaller
    return case, left


def _without_objects(case: Case) -> Iterator[tuple[Path, slice]]:
    """Yield halves, quarters, … of the objects of a kind, from the end."""
    for field, objects in case.items():
        if not isinstance(objects, list) or field == "namespaces":
            continue  # every namespace of a pod is there
        step = len(objects)
        while step > 0:
            for start in range(len(objects) - step, -1, -step):
                yield (field,), slice(start, start + step)
            step //= 2


def _without_parts(case: Case) -> Iterator[tuple[Path, slice]]:
    """Yield every field and item that may go; items from the end, that their places stay true."""
    for path in _paths(case, ()):
        last = path[-1]
        yield (path[:-1], slice(last, last + 1)) if isinstance(last, int) else (path, slice(0))


def _paths(value: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _is_needed((*path, key), value):
                yield (*path, key)
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for k in range(len(value) - 1, -1, -1):
            if path != ("namespaces",):
                yield (*path, k)
            yield from _paths(value[k], (*path, k))


def _is_needed(path: Path, beside: Case) -> bool:
    key = path[-1]
    if "volumes" in path[-3:-2] or key in _SOURCES:
        return True
    if key == "labelSelector":
        return "matchLabelKeys" in beside or "mismatchLabelKeys" in beside
    if key == "nodeAffinity":
        return "local" in beside
    if key in ("resources", "requests", "storage"):
        return any(part in _WITH_SIZES for part in path)
    return key in _NEEDED


def _without(case: Case, path: Path, which: slice) -> Case | None:
    """Return the case without the field at `path`, or without some items of the list there."""
    smaller: Any = deepcopy(case)
    place = smaller
    try:
        if which == slice(0):
            for part in path[:-1]:
                place = place[part]
            del place[path[-1]]
            return smaller  # type: ignore[no-any-return]
        for part in path:
            place = place[part]
        items = len(place)
        del place[which]
    except (KeyError, IndexError, TypeError):
        return None
    if len(place) == items or (not place and path[-1] in _NEVER_EMPTY):
        return None
    return smaller  # type: ignore[no-any-return]
