"""How large everything is that a service keeps: every table of every part, found by walking.

No list of tables is kept here that could miss a new one. Objects of the service's own classes are
walked through; of a container the length is taken, under the path of attributes that leads to it.
"""

import asyncio
import gc
import os
import sys
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from functools import _lru_cache_wrapper
from pathlib import Path

import numpy as np

_OURS = ("scheduler.", "telemetry.", "prometheus_client.")
_VALUES = ("scheduler.domain.", "scheduler.placement.", "telemetry.model")
"""What tables hold, and not what holds tables."""

_DEEPEST = 9
_WALKED = 64
"""Entries of a container that are walked through themselves: parts, and not objects."""

_CONTAINERS = (list, set, frozenset, tuple, deque, Mapping)
_HANDLES_S = 5.0
"""Between two counts of open files and tasks. They are few while the API server is away: counted
once a minute, some parts of a soak would meet an outage and others none, by chance."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Return the memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def open_files() -> int:
    """Return the number of file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def least_handles(seconds: float) -> tuple[int, int]:
    """Wait, and return how many open files and how many tasks there were when they were fewest."""
    looks = max(1, round(seconds / _HANDLES_S))
    files, tasks = [], []
    for _ in range(looks):
        await asyncio.sleep(seconds / looks)
        files.append(open_files())
        tasks.append(len(asyncio.all_tasks()))
    return min(files), min(tasks)


def heap_blocks() -> int:
    """Return the number of blocks that Python has allocated, after a collection."""
    gc.collect()
    return sys.getallocatedblocks()


def table_sizes(roots: Mapping[str, object]) -> Counter[str]:
    """Return the length of every table that is reached from `roots`, by path.

    Tables that share a path, as those of alike parts in a list do, are added up.
    """
    out: Counter[str] = Counter()
    seen: set[int] = set()
    for name, root in roots.items():
        _walk(name, root, out, seen, 0)
    return out


def cache_sizes() -> Counter[str]:
    """Return the number of results that each `functools.cache` of ours holds."""
    out: Counter[str] = Counter()
    for obj in gc.get_objects():
        if isinstance(obj, _lru_cache_wrapper) and _is_ours(obj.__module__ or ""):
            out[f"cache {obj.__module__}.{obj.__qualname__}"] += obj.cache_info().currsize
    return out


def _walk(path: str, obj: object, out: Counter[str], seen: set[int], depth: int) -> None:
    if id(obj) in seen or depth > _DEEPEST:
        return
    seen.add(id(obj))
    if isinstance(obj, asyncio.Queue):
        out[path] += obj.qsize()
    elif isinstance(obj, np.ndarray):
        out[path] += obj.size
    elif isinstance(obj, _CONTAINERS):
        out[path] += len(obj)
        for item in _parts_in(obj):
            _walk(f"{path}[]", item, out, seen, depth + 1)
    elif _is_part(obj):
        for name, value in _attributes(obj):
            _walk(f"{path}.{name.lstrip('_')}", value, out, seen, depth + 1)


def _parts_in(container: Collection[object]) -> list[object]:
    """Return what is walked through of a container: nothing of one that holds many things."""
    if len(container) > _WALKED:
        return []
    items = container.values() if isinstance(container, Mapping) else container
    return [item for item in tuple(items) if _is_part(item)]


def _is_ours(module: str) -> bool:
    return module.startswith(_OURS)


def _is_part(obj: object) -> bool:
    module = type(obj).__module__
    return _is_ours(module) and not module.startswith(_VALUES)


def _attributes(obj: object) -> Iterator[tuple[str, object]]:
    yield from tuple(getattr(obj, "__dict__", {}).items())
    for kind in type(obj).__mro__:
        slots: Collection[str] = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(obj, name):
                yield name, getattr(obj, name)
