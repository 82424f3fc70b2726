"""A pod found by what people remember of its name."""

import difflib
from collections.abc import Iterable

from scheduler.domain.errors import InputError
from scheduler.domain.workload import Pod

_FEW = 3


def pod_named(name: str, pods: Iterable[Pod], where: str) -> Pod:
    """Return the pod called so; a workload's name will do where it has one pod.

    Parameters
    ----------
    name
        ``name`` or ``namespace/name``.
    pods
        All there are.
    where
        They are, for errors.

    Raises
    ------
    InputError
        If there is none, or not one alone.
    """
    known = tuple(pods)
    by_key = {pod.key: pod for pod in known}
    found = by_key.get(name) or by_key.get(f"default/{name}")
    if found is None:
        named = [pod for pod in known if pod.name == name]
        named = named or [pod for pod in known if is_of(pod.display_name, name)]
        found = named[0] if len(named) == 1 else None
    if found is None:
        raise unknown_pod(name, (pod.display_name for pod in known), where)
    return found


def is_of(pod: str, workload: str) -> bool:
    """Whether a pod's name is that of a workload and what a controller adds to it."""
    return pod.startswith(f"{workload}-")


def unknown_pod(name: str, known: Iterable[str], where: str) -> InputError:
    """Return the refusal of a name, with names that are near it."""
    names = sorted(known)
    # A Deployment's name is what one remembers of its pods' names.
    near = [one for one in names if one.startswith(name)][:_FEW]
    near = near or difflib.get_close_matches(name, names, n=_FEW) or names[:_FEW]
    fix = f"there are, among others, {', '.join(near)}" if near else "it has no pods"
    return InputError(where, f'has no pod "{name[:60]}"', fix)
