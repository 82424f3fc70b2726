"""What a namespace's pods did to its nodes, by the changes that the store has of them.

Nothing here knows a scheduler: quantities, budgets and conditions are read from the objects.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tests.real.admission import Admission
from tests.real.api import Object
from tests.real.death import BACKUP
from tests.real.history import Change

_DELAY = "delay_"


class Books:
    """Nodes and the pods on them, change by change.

    Parameters
    ----------
    nodes
        All there are.
    names
        Of rows and columns of the matrix.
    rtt_us
        Round-trip times, shape ``(n, n)``, microseconds.
    """

    def __init__(
        self, nodes: Iterable[Object], names: Sequence[str], rtt_us: NDArray[np.int32]
    ) -> None:
        self._nodes = {node["metadata"]["name"]: Admission(node) for node in nodes}
        self._row = {name: row for row, name in enumerate(names)}
        self._rtt_us = rtt_us
        self._places: dict[str, str] = {}
        self._pods: dict[str, Object] = {}

    def take(self, change: Change) -> list[str]:
        """Enter a change; return what is wrong with it, a sentence each."""
        wrong = []
        was = self._places.get(change.uid, "")
        if was and change.node != was:
            wrong.append(f"doubled: {_name(change.pod)} was on {was}, and is on {change.node}")
        if change.node and change.node != was:
            self._places[change.uid] = change.node
            if not change.is_gone:
                wrong += self._bound(change.pod, change.node)
        backup = change.pod["metadata"].get("annotations", {}).get(BACKUP, "")
        if change.node and backup:
            wrong += self._backed(change.pod, change.node, backup)
        self._pods[change.uid] = change.pod
        if change.is_over:
            self._pods.pop(change.uid)
            if change.node in self._nodes:
                self._nodes[change.node].release(change.uid)
        return wrong

    def pods(self) -> list[Object]:
        """Return the pods there are now that are not over."""
        return list(self._pods.values())

    def at_rest(self, replicas: Mapping[str, int]) -> list[str]:
        """Return what is wrong when nothing should be under way any more.

        Parameters
        ----------
        replicas
            How many pods there are to be of each app.
        """
        there = Counter(pod["metadata"]["labels"]["app"] for pod in self.pods())
        wrong = [
            f"missing: there are {there[app]} pods of {app}, not {replicas.get(app, 0)}"
            for app in sorted(there.keys() | replicas.keys())
            if there[app] != replicas.get(app, 0)
        ]
        return wrong + [told for pod in self.pods() for told in self._waiting(pod)]

    def _bound(self, pod: Object, node: str) -> Iterator[str]:
        if node not in self._nodes:
            yield f"overcommitted: {_name(pod)} is on {node}, which is not there"
            return
        rejection = self._nodes[node].rejection(pod)
        if rejection is not None:
            yield f"overcommitted: {_name(pod)} on {node}: {rejection.message}"
        self._nodes[node].admit(pod)
        yield from (f"budget: {_name(pod)} on {node}: {told}" for told in self._broken(pod, node))

    def _backed(self, pod: Object, node: str, backup: str) -> Iterator[str]:
        if backup == node:
            yield f"backup: {_name(pod)} is on {node}, and so is its backup"
        elif backup not in self._nodes:
            yield f"backup: that of {_name(pod)} is {backup}, which is not there"
        for told in self._broken(pod, backup):
            yield f"backup: {_name(pod)} on {backup}: {told}"

    def _broken(self, pod: Object, node: str) -> Iterator[str]:
        """Yield the budgets of a pod that do not hold on a node; references are nodes."""
        for label, value in pod["metadata"].get("labels", {}).items():
            if label.startswith(_DELAY):
                row, column = self._row.get(label.removeprefix(_DELAY)), self._row.get(node)
                if row is None or column is None:
                    yield f"{label}={value}, and that was never measured"
                elif int(self._rtt_us[row, column]) > float(value) * 1000:
                    yield f"{label}={value}, and it is {int(self._rtt_us[row, column])} us"

    def _waiting(self, pod: Object) -> Iterator[str]:
        """Yield what is wrong with a pod that has no node: it has a place, or was told nothing."""
        if pod["spec"].get("nodeName"):
            return
        said = _why(pod)
        if not said:
            yield f"lost: {_name(pod)} waits without a word"
        places = [name for name in self._nodes if self._could_take(pod, name)]
        if places:
            yield f"lost: {_name(pod)} waits, and could be on {', '.join(places)}; {said}"

    def _could_take(self, pod: Object, node: str) -> bool:
        return self._nodes[node].rejection(pod) is None and not any(self._broken(pod, node))


def misremembered(said: Iterable[tuple[str, str]], changes: Iterable[Change]) -> list[str]:
    """Return the pods that a scheduler says it bound elsewhere than the store has them.

    Parameters
    ----------
    said
        Pod (``namespace/name``) and node.
    changes
        Of pods.
    """
    places = {_key(change.pod): change.node for change in changes if change.node}
    return [
        f"doubled: {pod} was bound to {node}, says a scheduler, and is on {places.get(pod)}"
        for pod, node in said
        if places.get(pod) != node
    ]


def _why(pod: Object) -> str:
    """Return what a pod was told of why it waits; nothing where a part of that is missing."""
    for one in pod["status"].get("conditions", ()):
        if (one["type"], one["status"]) == ("PodScheduled", "False"):
            reason, message = one.get("reason", ""), one.get("message", "")
            return f"{reason}: {message}" if reason and message else ""
    return ""


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _key(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
